# Writes sensitivity.json: pooling of imputations, ordered logit, weighted logit, jackknife, raking,
# CR2 of weighted means and of placements, imputation of a two-level model.
# ordinal.csv is synthetic: answers 1-4 of two waves, three grades, twelve schools.
# Run here: Rscript sensitivity.R   (Debian: r-cran-mice r-cran-mass r-cran-jsonlite r-cran-ordinal
# r-cran-lme4 r-cran-clubsandwich)
suppressMessages({
  library(mice); library(MASS); library(jsonlite); library(ordinal); library(lme4)
  library(clubSandwich)
})

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

cr2 <- function(model, coefficient, cluster) {
  found <- coef_test(model, vcovCR(model, cluster = cluster, type = "CR2"), "Satterthwaite",
                     coefs = coefficient)
  list(estimate = found$beta, se = found$SE, df = found$df_Satt)
}

# A logit with gaps in a covariate; change of the linked by the weights of all; ten schools.
set.seed(20255)
link <- data.frame(linked = linked, x, school = sample(0:9, m, TRUE, prob = 1:10))
link$pre_gaps <- ifelse(runif(m) < .1, NA, link$pre)
link$change <- round(.2 - .3 * link$pre + rnorm(10, 0, .3)[link$school + 1] + rnorm(m), 3)
filled <- ifelse(is.na(link$pre_gaps), 0, link$pre_gaps)
p_gaps <- fitted(glm(linked ~ filled + is.na(pre_gaps) + girl, binomial, link,
                     control = list(epsilon = 1e-14)))
w <- 1 / p
link$w <- pmin(w, quantile(w[linked == 1], .99))
met <- link[link$linked == 1, ]
weighted <- cr2(lm(change ~ 1, met, weights = w), "(Intercept)", met$school)

# Placements: the coefficient of wave is the sum of both waves' means, twice the probability.
below <- function(one, others)
  sapply(one, function(y) mean(others < y) + mean(others == y) / 2)
d$placement <- NA
d$placement[d$wave == 1] <- below(after, before)
d$placement[d$wave == 0] <- 1 - below(before, after)
placed <- cr2(lm(placement ~ 0 + wave + I(1 - 2 * wave), d), "wave", d$school)

# Ordered logit by clm; and where one school alone has an answer and a grade.
rare <- d
rare$y <- pmin(rare$y, 3)
rare$y[which(rare$school == 5)[1:4]] <- 4
rare$grade[rare$school == 7] <- 8
by_clm <- function(data, graded = TRUE) {
  data$y <- factor(data$y)
  f <- if (graded) y ~ wave + factor(grade) else y ~ wave
  unname(coef(clm(f, data = data, control = clm.control(gradTol = 1e-12)))["wave"])
}
clm_jackknife <- function(data, graded = TRUE) {
  b <- sapply(0:11, function(j) by_clm(data[data$school != j, ], graded))
  list(estimate = by_clm(data, graded), se = sqrt(11 / 12 * sum((b - mean(b))^2)))
}

# Raking: iterative proportional fitting of a table to the margins of another (stats::loglin).
sample_table <- with(d, table(school, grade))
by_school <- 100 + 10 * (0:11); by_grade <- sum(by_school) * c(.5, .3, .2)
raked <- loglin(outer(by_school, by_grade) / sum(by_school), list(1, 2), start = sample_table,
                fit = TRUE, eps = 1e-12, iter = 1000, print = FALSE)$fit

# Scores after that are missing at random: prediction by lmer, and mice with the same model.
set.seed(20256)
k <- 500
gaps <- data.frame(school = rep(0:19, each = 25), girl = rbinom(k, 1, .5))
gaps$pre <- round(rnorm(20, 0, .5)[gaps$school + 1] + rnorm(k), 3)
gaps$post <- round(.2 + .5 * gaps$pre + .2 * gaps$girl + rnorm(20, 0, .3)[gaps$school + 1] +
                     rnorm(k, 0, .8), 3)
gaps$post[runif(k) < plogis(-1 + gaps$pre)] <- NA
gaps$mean_pre <- ave(gaps$pre, gaps$school)
fit <- lmer(post ~ girl + pre + mean_pre + (1 | school), gaps)
complete <- with(gaps, ifelse(is.na(post), predict(fit, gaps), post) - pre)
roles <- make.predictorMatrix(gaps); roles[] <- 0
roles["post", ] <- c(-2, 1, 1, 0, 1)
draws <- mice(gaps, m = 200, maxit = 1, method = c("", "", "", "2l.lmer", ""),
              predictorMatrix = roles, seed = 20257, printFlag = FALSE)
each <- lapply(1:200, function(i) {
  one <- complete(draws, i)
  cr2(lm(post - pre ~ 1, one), "(Intercept)", one$school)
})
take <- function(name) sapply(each, `[[`, name)
by_mice <- pool.scalar(take("estimate"), take("se")^2, n = mean(take("df")) + 1, k = 1)

endless <- pool.scalar(q, u, n = Inf, k = 1)
write_json(list(
  versions = list(R = as.character(getRversion()), mice = as.character(packageVersion("mice")),
                  MASS = as.character(packageVersion("MASS")),
                  ordinal = as.character(packageVersion("ordinal")),
                  lme4 = as.character(packageVersion("lme4")),
                  clubSandwich = as.character(packageVersion("clubSandwich"))),
  logit = list(estimate = logit(d, FALSE), se = jackknife(FALSE)),
  graded = list(estimate = logit(d, TRUE), se = jackknife(TRUE)),
  clm = list(logit = clm_jackknife(d, FALSE), graded = clm_jackknife(d), rare = clm_jackknife(rare)),
  rare = rare[c("y", "grade")],
  rubin = list(q = q, u = u, estimate = rubin$qbar, variance = rubin$t, df = rubin$df,
               df_of_many = endless$df),
  probability = unname(p[1:8]),
  gaps_in_covariates = list(pre = link$pre_gaps, probability = unname(p_gaps)),
  weighted_change = c(list(school = met$school, change = met$change), weighted),
  raked = list(school = by_school, grade = by_grade,
               weight = unname((raked / sample_table)[cbind(d$school + 1, d$grade - 4)])[1:40]),
  imputed = list(data = gaps[c("school", "girl", "pre", "post")], estimate = mean(complete),
                 mice = list(estimate = by_mice$qbar, variance = by_mice$t, within = by_mice$ubar,
                             between = by_mice$b)),
  superiority = unname(u_stat) / length(before) / length(after),
  placements = placed
), "sensitivity.json", auto_unbox = TRUE, digits = I(15), pretty = FALSE, na = "null",
dataframe = "columns")
