# Writes r_values.json: what R says of the data files in this folder.
# All data files are synthetic, made with fixed seeds.
# Run here (a minute): Rscript reference.R   (Debian: r-base-core r-cran-metafor r-cran-psych r-cran-jsonlite)
#
# CR2 and Satterthwaite df stand here as dense matrix formulas, a second computation beside
# clubSandwich's; the script stops unless they reproduce clubsandwich.json (see known.R).
suppressMessages({library(metafor); library(psych); library(jsonlite)})

cr2 <- function(y, X, cluster, weights = rep(1, length(y))) {
  X <- X[, qr(X)$pivot[seq_len(qr(X)$rank)], drop = FALSE]
  W <- diag(weights)
  M <- solve(t(X) %*% W %*% X)
  beta <- drop(M %*% t(X) %*% W %*% y)
  R <- diag(length(y)) - X %*% M %*% t(X) %*% W
  e <- drop(R %*% y)
  RR <- R %*% t(R)
  groups <- split(seq_along(y), cluster)
  A <- lapply(groups, function(j) {
    eig <- eigen(RR[j, j, drop = FALSE], symmetric = TRUE)
    root <- ifelse(eig$values > 1e-12, 1 / sqrt(pmax(eig$values, 1e-12)), 0)
    eig$vectors %*% (root * t(eig$vectors))
  })
  rows <- lapply(seq_along(beta), function(i) {
    a <- sapply(names(groups), function(g) {
      j <- groups[[g]]
      full <- numeric(length(y))
      full[j] <- A[[g]] %*% W[j, j, drop = FALSE] %*% X[j, , drop = FALSE] %*% M[, i]
      full
    })
    P <- t(a) %*% RR %*% a
    se <- sqrt(sum(drop(t(a) %*% e)^2))
    df <- sum(diag(P))^2 / sum(P^2)
    half <- qt(.975, df) * se
    c(estimate = beta[[i]], se = se, statistic = beta[[i]] / se, df = df,
      p_value = 2 * pt(-abs(beta[[i]] / se), df),
      ci_low = beta[[i]] - half, ci_high = beta[[i]] + half)
  })
  as.list(as.data.frame(do.call(rbind, rows)))
}

region8 <- read.csv("region8.csv")
unlinked <- read.csv("unlinked.csv")
linked <- read.csv("linked_wide.csv")
known <- fromJSON("clubsandwich.json")
first <- function(values, i) lapply(values, function(x) x[i])
again <- list(
  region8_change = with(region8, cr2(change, cbind(rep(1, length(change))), school)),
  unlinked_wave = with(unlinked, cr2(y, cbind(1, wave), school)),
  unlinked_schoolFE_wave =
    first(with(unlinked, cr2(y, cbind(wave, model.matrix(~ 0 + school)), school)), 1),
  linked_regionFE = with(linked, cr2(change, model.matrix(~ 0 + region), school))
)
for (name in names(again)) for (value in names(again[[name]]))
  stopifnot(abs(again[[name]][[value]] - known[[name]][[value]]) < 1e-9)

# School x grade cells with singletons, cells in one wave, a school without variance, weights.
grades <- read.csv("same_grade.csv")
grades$cell <- interaction(grades$school, grades$grade, drop = TRUE)
waves <- with(grades, table(cell, wave))
common <- droplevels(grades[grades$cell %in% rownames(waves)[rowSums(waves > 0) == 2], ])
n <- with(common, table(cell, wave))
share <- rowSums(n)[common$cell] / n[cbind(as.character(common$cell), as.character(common$wave))]
cells <- function(frame) model.matrix(~ 0 + cell, frame)
grade_models <- list(
  same_grade = first(with(common, cr2(y, cbind(wave, cells(common)), school, share)), 1),
  unweighted = first(with(grades, cr2(y, cbind(wave, cells(grades)), school)), 1),
  covariate = first(with(grades, cr2(y, cbind(wave, x, cells(grades)), school, w)), 1:2),
  no_cells = first(with(grades, cr2(y, cbind(1, wave, x), school, w)), 1:3)
)

meta <- function(frame, ...) {
  fit <- rma(yi, vi, data = frame, method = "REML",
             control = list(threshold = 1e-14, maxiter = 1e5), ...)
  pi <- predict(fit)
  list(estimate = fit$b[1], se = fit$se, ci_low = fit$ci.lb, ci_high = fit$ci.ub, pi_low = pi$pi.lb,
       pi_high = pi$pi.ub, tau2 = fit$tau2, i2 = fit$I2 / 100, q = fit$QE, q_p = fit$QEp)
}
regions15 <- read.csv("regions15.csv")
alike <- transform(regions15, yi = mean(yi) + (yi - mean(yi)) / 10)

reliability <- function(wave) {
  fit <- suppressWarnings(psych::alpha(linked[paste0(wave, 1:4)]))
  bounds <- alpha.ci(fit$total$raw_alpha, nrow(linked), n.var = 4)
  list(n = nrow(linked), alpha = fit$total$raw_alpha,
       alpha_ci_low = bounds$lower.ci[[1]], alpha_ci_high = bounds$upper.ci[[1]])
}

write_json(
  list(
    versions = list(R = as.character(getRversion()), metafor = as.character(packageVersion("metafor")),
                    psych = as.character(packageVersion("psych"))),
    grades = grade_models,
    meta = list(knha = meta(regions15, test = "knha"), adhoc = meta(regions15, test = "adhoc"),
                three_adhoc = meta(regions15[1:3, ], test = "adhoc"),
                alike_adhoc = meta(alike, test = "adhoc"),
                apart_adhoc = meta(data.frame(yi = c(.1, .3, .6), vi = c(.01, .01, .0225)),
                                   test = "adhoc"),
                apart_t = meta(data.frame(yi = c(.1, .3, .6), vi = c(.01, .01, .0225)),
                               test = "t")),
    alpha = list(pre = reliability("pre"), post = reliability("post"))
  ),
  "r_values.json", auto_unbox = TRUE, digits = I(17), pretty = TRUE
)
