# Writes sensitivity.json: pooling of imputations, ordered logit, weighted logit, jackknife.
# ordinal.csv is synthetic: answers 1-4 of two waves, three grades, twelve schools.
# Run here: Rscript sensitivity.R   (Debian: r-cran-mice r-cran-mass r-cran-jsonlite)
suppressMessages({library(mice); library(MASS); library(jsonlite)})

set.seed(20253)
n <- 900
d <- data.frame(school = sample(0:11, n, TRUE, prob = c(1:12)), wave = rbinom(n, 1, .5),
                grade = sample(5:7, n, TRUE))
shift <- rnorm(12, 0, .4)
z <- rlogis(n) + shift[d$school + 1] + .5 * d$wave + .2 * (d$grade - 5) + d$wave * rnorm(12, 0, .3)[d$school + 1]
d$y <- cut(z, c(-Inf, -1, .4, 1.6, Inf), labels = FALSE)
write.csv(d, "ordinal.csv", row.names = FALSE, quote = FALSE)

logit <- function(data, graded) {
  f <- if (graded) factor(y) ~ wave + factor(grade) else factor(y) ~ wave
  fit <- polr(f, data, method = "logistic", control = list(reltol = 1e-15, maxit = 1e4))
  unname(coef(fit)["wave"])
}
jackknife <- function(graded) {
  b <- sapply(0:11, function(j) logit(d[d$school != j, ], graded))
  sqrt(11 / 12 * sum((b - mean(b))^2))
}

q <- c(.12, .20, .17, .25, .11, .19, .22, .15, .18, .21)
u <- c(.011, .012, .010, .013, .011, .012, .011, .010, .012, .013)
rubin <- pool.scalar(q, u, n = 42, k = 1)  # complete-data df 41

set.seed(20254)
m <- 400
x <- cbind(pre = round(rnorm(m), 3), girl = rbinom(m, 1, .5))
linked <- rbinom(m, 1, plogis(.4 + .7 * x[, 1] - .5 * x[, 2]))
write.csv(cbind(linked, x), "linkage.csv", row.names = FALSE, quote = FALSE)
p <- fitted(glm(linked ~ x, family = binomial, control = list(epsilon = 1e-14)))

before <- d$y[d$wave == 0]; after <- d$y[d$wave == 1]
u_stat <- wilcox.test(after, before, exact = FALSE)$statistic
write_json(list(
  versions = list(R = as.character(getRversion()), mice = as.character(packageVersion("mice")),
                  MASS = as.character(packageVersion("MASS"))),
  logit = list(estimate = logit(d, FALSE), se = jackknife(FALSE)),
  graded = list(estimate = logit(d, TRUE), se = jackknife(TRUE)),
  rubin = list(q = q, u = u, estimate = rubin$qbar, variance = rubin$t, df = rubin$df),
  probability = unname(p[1:8]),
  superiority = unname(u_stat) / length(before) / length(after)
), "sensitivity.json", auto_unbox = TRUE, digits = I(15), pretty = TRUE)
