# Writes by_school.json: sets of estimates drawn to their mean, and what clubSandwich says of
# pupils' same-grade changes within schools, persons being the clusters. All are drawn here with
# fixed seeds and written beside their values; some pupils are a grade or two further on after.
#
# The model of Rubin (1981): y ~ N(theta, V), theta ~ N(mu, tau^2), flat priors on mu and tau > 0.
# No grid and no formula of loftet_analysis is used. With M = V + tau^2 I and K the k - 1
# orthonormal contrasts, Ky ~ N(0, KMK') gives the likelihood of tau; theta given tau and y has the
# mean y - V K'(KMK')^-1 K y and the covariance V - V K'(KMK')^-1 K V, and `integrate` does the rest
# over tau in (0, Inf), in pieces. tau2 is metafor's. (bayesmeta with tau.prior = "uniform" and
# interval.type = "central" is the same model; Debian 12 does not have it.)
#
# Run here (a minute or two): Rscript by_school.R
# (Debian: r-base-core r-cran-metafor r-cran-clubsandwich r-cran-jsonlite)
suppressMessages({library(metafor); library(clubSandwich); library(jsonlite)})

shrunken <- function(set, level = 95) {
  y <- set$yi; v <- set$vi; k <- length(y)
  contrasts <- t(contr.helmert(k)); contrasts <- contrasts / sqrt(rowSums(contrasts^2))
  known <- new.env()  # the pieces are cut alike again and again, so that each tau is met often
  given <- function(tau) {
    key <- sprintf("%a", tau)
    if (is.null(known[[key]])) {
      root <- chol(contrasts %*% diag(v + tau^2) %*% t(contrasts))
      white <- backsolve(root, contrasts, transpose = TRUE)  # its crossproduct is K'(KMK')^-1 K
      away <- white %*% diag(v)
      known[[key]] <- list(log_p = -sum(log(diag(root))) - sum((white %*% y)^2) / 2,
                           at = y - drop(crossprod(away, white %*% y)),
                           sd = sqrt(v - colSums(away^2)))
    }
    known[[key]]
  }
  scale <- sqrt(var(y) + median(v))
  cuts <- c(0, scale * c(.003, .01, .03, .1, .2, .4, .6, .8, 1, 1.5, 2, 4, 10, 100), Inf)
  highest <- max(sapply(scale * (0:400) / 100, function(tau) given(tau)$log_p))
  over_tau <- function(what) {
    f <- function(taus) sapply(taus, function(tau) {
      here <- given(tau)
      exp(here$log_p - highest) * what(here)
    })
    sum(mapply(function(low, high) integrate(f, low, high, rel.tol = 1e-9, abs.tol = 1e-12 * scale,
                                             subdivisions = 1000)$value,
               head(cuts, -1), tail(cuts, -1)))
  }
  mass <- over_tau(function(here) 1)
  quantile <- function(j, share) {
    above <- function(q) over_tau(function(here) pnorm(q, here$at[j], here$sd[j])) / mass - share
    uniroot(above, range(y) + c(-5, 5) * sqrt(max(v)), tol = 1e-11 * scale)$root
  }
  outside <- (1 - level / 100) / 2
  model <- rma(yi, vi, data = set, method = "REML",
               control = list(threshold = 1e-14, maxiter = 1e5))
  list(shrunk = sapply(1:k, function(j) over_tau(function(here) here$at[j]) / mass),
       shrunk_low = sapply(1:k, quantile, outside),
       shrunk_high = sapply(1:k, quantile, 1 - outside), tau2 = model$tau2)
}

draw <- function(seed, k, tau, low = .002, high = .05) {
  set.seed(seed)
  vi <- exp(runif(k, log(low), log(high)))
  data.frame(yi = rnorm(k, .2, sqrt(vi + tau^2)), vi = vi)
}

sets <- list(
  rubin_1981 = data.frame(yi = c(28, 8, -3, 7, -1, 1, 18, 12),
                          vi = c(15, 10, 16, 11, 9, 11, 10, 18)^2),
  three_given = data.frame(yi = c(.1, .3, .6), vi = c(.01, .01, .0225)),
  three = draw(11, 3, .3), eleven = draw(12, 11, .2), forty = draw(13, 40, .1),
  unequal = draw(14, 12, .15, 1e-5, 5),
  no_heterogeneity = transform(draw(15, 11, 0), yi = mean(yi) + (yi - mean(yi)) / 10)
)
stopifnot(shrunken(sets$no_heterogeneity)$tau2 == 0, shrunken(sets$eleven)$tau2 > 0)

# Pupils: half stay at the school and move up a grade, or two; the others are new, or leave.
set.seed(16)
apart <- c(-.3, .6, .1, .5, -.2, .9, .2)
pupils <- do.call(rbind, lapply(1:7, function(j) {
  n <- c(20, 35, 60, 90, 45, 30, 70)[j]
  grade <- sample(5:7, n, TRUE, prob = c(j, 3, 3))
  level <- rnorm(n, 3, .6)
  before <- data.frame(person = paste0(j, "a", seq_len(n)), grade = grade, wave = "pre",
                       y = level + rnorm(n, 0, .4))
  stays <- runif(n) < .5
  up <- sample(0:2, n, TRUE)
  moved <- data.frame(person = before$person, grade = pmin(grade + up, 7), wave = "post",
                      y = level + rnorm(n, apart[j], .4))[stays, ]
  new <- data.frame(person = paste0(j, "b", seq_len(n)), grade = sample(5:7, n, TRUE),
                    wave = "post", y = rnorm(n, 3 + apart[j], .7))[!stays, ]
  cbind(school = paste0("s", j), rbind(before, moved, new))
}))
pupils$y <- round(4 * pupils$y) / 4

within <- function(data, level) {
  n <- table(data$grade, factor(data$wave, c("pre", "post")))
  used <- rownames(n)[n[, 1] >= 5 & n[, 2] >= 5]
  data <- data[as.character(data$grade) %in% used, ]
  data$cell <- factor(paste(data$grade, data$wave))
  fit <- lm(y ~ 0 + cell, data)
  sign <- ifelse(grepl("post", levels(data$cell)), 1, -1) / length(used)
  found <- linear_contrast(fit, vcovCR(fit, cluster = data$person, type = "CR2"),
                           contrasts = matrix(sign, 1), level = level, test = "Satterthwaite")
  data.frame(change = found$Est, se = found$SE, df = found$df, ci_low = found$CI_L,
             ci_high = found$CI_U, n_pre = sum(data$wave == "pre"),
             n_post = sum(data$wave == "post"), n_grades = length(used))
}

sd_unit <- .8
schools <- do.call(rbind, lapply(split(pupils, pupils$school), within, .95))
scaled <- data.frame(yi = schools$change / sd_unit, vi = (schools$se / sd_unit)^2)
stopifnot(any(schools$n_grades < 3), shrunken(scaled)$tau2 > .01)

write_json(
  list(
    versions = list(R = as.character(getRversion()),
                    metafor = as.character(packageVersion("metafor")),
                    clubSandwich = as.character(packageVersion("clubSandwich"))),
    sets = lapply(sets, as.list),
    shrunken = lapply(sets, shrunken), shrunken_at_80 = lapply(sets, shrunken, 80),
    pupils = as.list(pupils), sd_unit = sd_unit,
    schools = c(list(school = rownames(schools)), as.list(schools)),
    shrunken_schools = shrunken(scaled)
  ),
  "by_school.json", auto_unbox = TRUE, digits = I(17), pretty = TRUE
)
