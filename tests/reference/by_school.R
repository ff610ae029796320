# Writes by_school.json: what metafor's blup makes of sets of estimates, and what clubSandwich says
# of pupils' same-grade changes within schools, persons being the clusters. All are drawn here with
# fixed seeds and written beside their values; some pupils are a grade or two further on after.
# Run here (seconds): Rscript by_school.R
# (Debian: r-base-core r-cran-metafor r-cran-clubsandwich r-cran-jsonlite)
suppressMessages({library(metafor); library(clubSandwich); library(jsonlite)})

shrunken <- function(set, level = 95) {
  model <- rma(yi, vi, data = set, method = "REML", level = level,
               control = list(threshold = 1e-14, maxiter = 1e5))
  found <- blup(model)
  list(shrunk = found$pred, shrunk_low = found$pi.lb, shrunk_high = found$pi.ub,
       tau2 = model$tau2)
}

draw <- function(seed, k, tau, low = .002, high = .05) {
  set.seed(seed)
  vi <- exp(runif(k, log(low), log(high)))
  data.frame(yi = rnorm(k, .2, sqrt(vi + tau^2)), vi = vi)
}

sets <- list(
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
