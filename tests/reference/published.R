# Writes published.json: well-known data, of which textbooks and papers print the results, by psych
# and metafor. Of data there is no more than what the results hang on:
# - bfi (psych): 25 items of five traits answered by 2,800 people, gaps filled with the item's
#   median; here the covariances of each trait's items, worded one way round.
# - Konstantopoulos 2011, Research Synthesis Methods 2(1), 61-76: 56 schools' effects (metadat).
# - Morris 2008, Organizational Research Methods 11(2), 364-386: five studies of Carlson and Schmidt
#   1999, means, SDs and correlations of a treated and a control group; Table 5.
# Run here (seconds): Rscript published.R
# (Debian: r-base-core r-cran-psych r-cran-metafor r-cran-jsonlite)
suppressMessages({library(psych); library(metafor); library(jsonlite)})

keys <- list(A = c(-1, 1, 1, 1, 1), C = c(1, 1, 1, -1, -1), E = c(-1, -1, 1, 1, 1),
             N = rep(1, 5), O = c(1, -1, 1, 1, -1))
alphas <- lapply(setNames(nm = names(keys)), function(trait) {
  items <- psych::bfi[paste0(trait, 1:5)]
  items[] <- lapply(items, function(x) ifelse(is.na(x), median(x, na.rm = TRUE), x))
  items <- sweep(items, 2, keys[[trait]], "*")
  found <- psych::alpha(items)
  ends <- alpha.ci(found$total$raw_alpha, nrow(items), n.var = 5)
  list(n = nrow(items), covariance = unname(cov(items)), alpha = found$total$raw_alpha,
       alpha_ci_low = ends$lower.ci[[1]], alpha_ci_high = ends$upper.ci[[1]])
})

schools <- dat.konstantopoulos2011
fit <- rma(yi, vi, data = schools, method = "REML", test = "adhoc",
           control = list(threshold = 1e-14, maxiter = 1e5))
plain <- update(fit, test = "z")

treated <- data.frame(
  m_pre = c(30.6, 23.5, .5, 53.4, 35.6), m_post = c(38.5, 26.8, .7, 75.9, 36),
  sd_pre = c(15, 3.1, .1, 14.5, 4.7), sd_post = c(11.6, 4.1, .1, 4.4, 4.6),
  n = c(20, 50, 9, 10, 14), r = c(.47, .64, .77, .89, .44))
control <- data.frame(
  m_pre = c(23.1, 24.9, .6, 55.7, 34.8), m_post = c(19.7, 25.3, .6, 60.7, 33.4),
  sd_pre = c(13.8, 4.1, .2, 17.3, 3.1), sd_post = c(14.8, 3.3, .2, 17.9, 6.9),
  n = c(20, 42, 9, 11, 14), r = c(.47, .64, .77, .89, .44))
raw_score <- function(group) as.numeric(escalc("SMCR", m1i = m_post, m2i = m_pre, sd1i = sd_pre,
                                               ni = n, ri = r, data = group)$yi)
df <- treated$n + control$n - 2
pooled <- sqrt(((treated$n - 1) * treated$sd_pre^2 + (control$n - 1) * control$sd_pre^2) / df)
j <- metafor:::.cmicalc(df)  # the exact factor, by the gamma function
d_ppc2 <- j * (with(treated, m_post - m_pre) - with(control, m_post - m_pre)) / pooled

write_json(list(
  versions = list(R = as.character(getRversion()), psych = as.character(packageVersion("psych")),
                  metafor = as.character(packageVersion("metafor"))),
  bfi = alphas,
  konstantopoulos = list(yi = as.numeric(schools$yi), vi = schools$vi, estimate = fit$b[1],
                         se = fit$se, se_plain = plain$se, tau2 = fit$tau2, q = fit$QE,
                         ci_low = fit$ci.lb, ci_high = fit$ci.ub),
  morris = list(treated = treated, control = control, j = j, d_ppc2 = d_ppc2,
                smcr = list(treated = raw_score(treated), control = raw_score(control)))
), "published.json", auto_unbox = TRUE, digits = NA, dataframe = "columns")
