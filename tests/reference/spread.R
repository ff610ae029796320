# Writes spread.json: percentiles, gaps, the lowest fifth and spread between and within schools,
# each computed from its definition, with clubSandwich's CR2. The people are drawn here with a
# fixed seed and written beside their values.
# Run here (a minute): Rscript spread.R   (Debian: r-base-core r-cran-clubsandwich r-cran-jsonlite)
suppressMessages({library(clubSandwich); library(jsonlite)})

set.seed(20270913)
taught <- function(j) if (j %% 5 == 0) 5:10 else if (j %% 2) 5:7 else 8:10
cells <- do.call(rbind, lapply(1:26, function(j) expand.grid(
  wave = 0:1, grade = taught(j), school = j)))
cells$n <- rpois(nrow(cells), 6)
cells$level <- rnorm(26, 0, .6)[cells$school] + rnorm(26, .2, .2)[cells$school] * cells$wave -
  .1 * cells$grade
people <- cells[rep(seq_len(nrow(cells)), cells$n), c("school", "grade", "wave", "level")]
people$girl <- rbinom(nrow(people), 1, .5)
people$level <- people$level + rnorm(nrow(people)) + .2 * people$girl * people$wave
items <- sapply(1:4, function(i)
  as.numeric(cut(people$level + .6 + rnorm(nrow(people)), c(-Inf, -1.2, 0, 1.2, Inf))))
people$y <- rowMeans(items)
items[cbind(seq_len(nrow(people)), sample(4, nrow(people), TRUE))[runif(nrow(people)) < .1, ]] <- NA
people$y_missing <- rowMeans(items, na.rm = TRUE)

# Cells in both waves, and everybody's weight: the cell's people over those of the wave in it.
weighted <- function(data) {
  data$cell <- interaction(data$school, data$grade, drop = TRUE)
  n <- table(data$cell, factor(data$wave, 0:1))
  data <- data[data$cell %in% rownames(n)[n[, 1] > 0 & n[, 2] > 0], ]
  data$cell <- droplevels(data$cell)
  n <- n[levels(data$cell), ]
  data$w <- unclass(rowSums(n) / n)[cbind(as.integer(data$cell), data$wave + 1)]
  data
}

cr2 <- function(model, coefficient, cluster) {
  found <- coef_test(model, vcovCR(model, cluster = cluster, type = "CR2"), "Satterthwaite",
                     coefs = coefficient)
  list(estimate = found$beta, se = found$SE, df = found$df_Satt)
}

same_grade <- function(data, y) {
  data$value <- y
  cr2(lm(value ~ 0 + wave + cell, data, weights = w), "wave", data$school)
}

# Ma, Genton & Parzen: lines between the points of the mid-distribution function.
mid_quantile <- function(y, w, p) {
  share <- tapply(w, y, sum) / sum(w)
  scores <- sort(unique(y))
  mid <- cumsum(share) - share / 2
  k <- findInterval(p, mid)
  slope <- (mid[k + 1] - mid[k]) / (scores[k + 1] - scores[k])
  q <- approx(mid, scores, p)$y
  part <- (q - scores[k]) / (scores[k + 1] - scores[k])
  g <- function(s) (y < s) + (y == s) / 2
  list(q = q, y = q - ((1 - part) * g(scores[k]) + part * g(scores[k + 1]) - p) / slope)
}

# Every score spread evenly over one step to either side.
spread_quantile <- function(y, w, p, step = .25) {
  reached <- function(q) pmin(pmax((q - y) / step + 1, 0), 2) / 2
  q <- uniroot(function(q) weighted.mean(reached(q), w) - p, range(y), tol = 1e-14)$root
  slope <- (weighted.mean(reached(q + 1e-7), w) - weighted.mean(reached(q - 1e-7), w)) / 2e-7
  list(q = q, y = q - (reached(q) - p) / slope)
}

quantile_change <- function(data, y, p, quantile) {
  pseudo <- numeric(nrow(data))
  q <- numeric(2)
  for (t in 0:1) {
    mine <- data$wave == t
    found <- quantile(data[[y]][mine], data$w[mine], p)
    pseudo[mine] <- found$y
    q[t + 1] <- found$q
  }
  c(list(pre = q[1], post = q[2]), same_grade(data, pseudo))
}

gap <- function(data) {
  sides <- lapply(split(data, data$girl), weighted)
  both <- do.call(rbind, lapply(sides, function(side) transform(side, w = w / nrow(side))))
  both$cell <- interaction(both$cell, both$girl, drop = TRUE)
  model <- lm(y ~ 0 + wave + wave:girl + cell, both, weights = w)
  cr2(model, "wave:girl", both$school)
}

lowest <- function(n = 400, schools = 16, rho = .8) {
  d <- data.frame(school = sort(sample(schools, n, TRUE, prob = 1:schools)))
  true <- rnorm(n) + rnorm(schools, 0, .4)[d$school]
  d$pre <- round(true + rnorm(n, 0, .5), 2)
  d$post <- round(true + .2 + .2 * (true < -1) + rnorm(schools, 0, .2)[d$school] + rnorm(n, 0, .5), 2)
  cut <- sort(d$pre)[n / 5]
  low <- as.numeric(d$pre < cut)
  change <- d$post - d$pre
  theta <- mean(change[low == 1]) -
    (mean(change) + (rho - 1) * (mean(d$pre[low == 1]) - mean(d$pre)))
  model <- lm(z ~ low, data.frame(z = d$post - rho * d$pre, low = low))
  v <- vcovCR(model, cluster = d$school, type = "CR2")
  # CR2's own cluster contributions to the coefficient, from its bread and adjustment matrices
  x <- model.matrix(model)
  share <- mean(low)
  u <- sapply(sort(unique(d$school)), function(j) {
    mine <- d$school == j
    xj <- x[mine, , drop = FALSE]
    h <- xj %*% solve(crossprod(x)) %*% t(xj)
    e <- eigen(diag(sum(mine)) - h, symmetric = TRUE)
    keep <- e$values > 1e-10
    a <- e$vectors[, keep] %*% (t(e$vectors[, keep]) / sqrt(e$values[keep]))
    own <- (solve(crossprod(x)) %*% t(xj) %*% a %*% resid(model)[mine])[2]
    chance <- sum(low[mine] - share) / n / sqrt(1 - sum(mine) / n)
    c(own, (1 - share) * own - coef(model)[["low"]] * chance)
  })
  stopifnot(abs(sum(u[1, ]^2) / v["low", "low"] - 1) < 1e-8)
  c(list(people = as.list(d), cut = cut, rho = rho, estimate = theta, se = sqrt(sum(u[2, ]^2)),
         n_low = sum(low)), cr2(model, "low", d$school)["df"])
}

# Method 3: the sums of squares of two nested fits, and the expectation of the one for schools.
variances <- function(data) {
  data <- transform(data, grade = factor(grade), school = factor(school))
  small <- lm(y ~ grade, data)
  large <- lm(y ~ grade + school, data)
  within <- deviance(large) / df.residual(large)
  z <- model.matrix(~ 0 + school, data)
  weight <- sum(resid(lm(z ~ grade, data))^2)
  df <- df.residual(small) - df.residual(large)
  c(between = (deviance(small) - deviance(large) - df * within) / weight, within = within)
}

log_ratio <- function(data)
  log(variances(subset(data, wave == 1)) / variances(subset(data, wave == 0))) / 2

jackknife <- function(data) {
  schools <- unique(data$school)
  s <- length(schools)
  without <- sapply(schools, function(j) log_ratio(subset(data, school != j)))
  se <- sqrt((s - 1) / s * rowSums((without - rowMeans(without))^2))
  list(estimate = as.list(log_ratio(data)), se = as.list(se), schools = s,
       pre = as.list(sqrt(variances(subset(data, wave == 0)))),
       post = as.list(sqrt(variances(subset(data, wave == 1)))))
}

used <- weighted(people)
p <- c(.1, .25, .5, .75)
low_cut <- unname(quantile(people$y[people$wave == 0], .2))
write_json(
  list(
    versions = list(R = as.character(getRversion()),
                    clubSandwich = as.character(packageVersion("clubSandwich"))),
    people = as.list(people[c("school", "grade", "wave", "girl", "y", "y_missing")]),
    p = p,
    mid_quantile = lapply(p, function(p) quantile_change(used, "y", p, mid_quantile)),
    spread_quantile = lapply(p, function(p) quantile_change(used, "y_missing", p, spread_quantile)),
    low_cut = low_cut, share_below = same_grade(used, as.numeric(used$y < low_cut)),
    gap = gap(people), lowest = lowest(), spread = jackknife(used)
  ),
  "spread.json", auto_unbox = TRUE, digits = I(17)
)
