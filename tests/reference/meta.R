# Writes meta.json: what metafor says of regions15.csv and of random sets of estimates.
# The sets are drawn here with fixed seeds and written beside their values.
# Run here (seconds): Rscript meta.R   (Debian: r-base-core r-cran-metafor r-cran-jsonlite)
suppressMessages({library(metafor); library(jsonlite)})

fit <- function(set, formula = ~ 1, test = "adhoc")
  suppressWarnings(rma(yi, vi, mods = formula, data = set, method = "REML", test = test,
                       control = list(threshold = 1e-14, maxiter = 1e5)))

interval <- function(model) {
  found <- suppressMessages(confint(model, control = list(tol = 1e-15, tau2.max = 1e6)))
  list(tau2_ci_low = found$random["tau^2", "ci.lb"], tau2_ci_high = found$random["tau^2", "ci.ub"])
}

common <- function(model)
  c(list(tau2 = model$tau2, i2 = model$I2 / 100, q = model$QE, q_p = model$QEp), interval(model))

pooled <- function(set, test) {
  model <- fit(set, test = test)
  pi <- predict(model)
  c(list(estimate = model$b[1], se = model$se, ci_low = model$ci.lb, ci_high = model$ci.ub,
         pi_low = pi$pi.lb, pi_high = pi$pi.ub), common(model))
}

regressed <- function(set, formula, test) {
  model <- fit(set, formula, test)
  c(list(estimate = drop(model$b), se = model$se, statistic = model$zval, df = model$ddf,
         p_value = model$pval, ci_low = model$ci.lb, ci_high = model$ci.ub,
         f = model$QM, f_p = model$QMp), common(model))
}

draw <- function(seed, k, tau, low = .002, high = .05) {
  set.seed(seed)
  vi <- exp(runif(k, log(low), log(high)))
  data.frame(yi = rnorm(k, .2, sqrt(vi + tau^2)), vi = vi,
             urban = rep_len(c(0, 1, 1), k), schools = round(runif(k, 8, 200)))
}

regions15 <- read.csv("regions15.csv")
sets <- list(
  regions15 = regions15[c("yi", "vi", "urban")],
  two_apart = data.frame(yi = c(.1, .6), vi = c(.01, .02)),
  two_alike = data.frame(yi = c(.21, .2), vi = c(.01, .02)),
  three = draw(1, 3, .3), four = draw(2, 4, .2), twelve = draw(3, 12, .15),
  no_heterogeneity = draw(4, 10, 0),
  hardly_different = transform(draw(5, 12, 0), yi = mean(yi) + (yi - mean(yi)) / 20),
  unequal = draw(6, 15, .1, 1e-6, 10), forty = draw(7, 40, .05)
)
models <- list(
  list(set = "regions15", moderators = "urban"), list(set = "four", moderators = "urban"),
  list(set = "twelve", moderators = c("urban", "schools")),
  list(set = "no_heterogeneity", moderators = "schools"),
  list(set = "unequal", moderators = c("urban", "schools")),
  list(set = "forty", moderators = c("urban", "schools"))
)
without <- lapply(seq_len(15), function(i) pooled(regions15[-i, ], "adhoc"))

write_json(
  list(
    versions = list(R = as.character(getRversion()),
                    metafor = as.character(packageVersion("metafor"))),
    sets = lapply(sets, as.list),
    pooled = list(adhoc = lapply(sets, pooled, "adhoc"), knha = lapply(sets, pooled, "knha")),
    leave_one_out = lapply(setNames(nm = names(without[[1]])), function(name)
      sapply(without, `[[`, name)),
    regressed = lapply(models, function(model) {
      formula <- reformulate(model$moderators)
      c(model, list(adhoc = regressed(sets[[model$set]], formula, "adhoc"),
                    knha = regressed(sets[[model$set]], formula, "knha")))
    })
  ),
  "meta.json", auto_unbox = TRUE, digits = I(17), pretty = TRUE
)
