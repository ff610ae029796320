# Writes estimates.json: levels, the course over waves, dose, a change beside a trend, two one-sided
# tests, design effects, schools' mean changes and a change in units of its own SD, by clubSandwich
# (CR2, Satterthwaite) and base R. The data are region8.csv, linked_wide.csv, same_grade.csv and teachers30.csv; attendance,
# roles and a wave midway are made from the numbers of pupils and schools, as the tests make them.
# Run here (seconds): Rscript estimates.R
# (Debian: r-base-core r-cran-clubsandwich r-cran-jsonlite)
suppressMessages({library(clubSandwich); library(jsonlite); library(splines)})

number <- function(text) as.integer(sub(".*[A-Z]", "", text))
cr2 <- function(model, coefficient, cluster) {
  v <- vcovCR(model, cluster = cluster, type = "CR2")
  found <- coef_test(model, v, "Satterthwaite", coefs = coefficient)
  ends <- conf_int(model, v, test = "Satterthwaite", coefs = coefficient)
  list(change = found$beta, change_se = found$SE, df = found$df_Satt, change_ci_low = ends$CI_L,
       change_ci_high = ends$CI_U, n_clusters = length(unique(cluster)))
}
beside_independent <- function(model, coefficient, cluster)
  cr2(model, coefficient, cluster)$change_se^2 / vcov(model)[coefficient, coefficient]

region8 <- read.csv("region8.csv")
linked <- read.csv("linked_wide.csv")
linked$no <- number(linked$pupil)
linked$participant <- linked$no %% 3 == 0
linked$gatherings <- (linked$no + 2 * number(linked$school)) %% 11
linked$interim_work <- (linked$no %/% 3 + number(linked$school)) %% 3

# Levels: a mean by lm, a share by a logistic regression, whose interval is on the logit scale.
# Where the share is 0 or 1 the df are those of any mean over these schools.
level <- function(y, school, middle) {
  above <- as.numeric(y > middle)
  share <- cr2(lm(above ~ 1), 1, school)
  if (mean(above) %in% 0:1) {
    n <- cr2(lm(y ~ 1), 1, school)$df + 1
    reach <- qbeta(.975, 1, n)  # Clopper and Pearson's end for 0 of n
    share <- list(change = mean(above), df = n - 1,
                  change_ci_low = if (mean(above) == 0) 0 else 1 - reach,
                  change_ci_high = if (mean(above) == 0) reach else 1)
  } else {
    fit <- glm(above ~ 1, binomial, control = list(epsilon = 1e-15, maxit = 100))
    v <- vcovCR(fit, cluster = school, type = "CR2")
    ends <- conf_int(fit, v, test = "Satterthwaite")
    stopifnot(abs(ends$df - share$df) < 1e-8)
    share$change_ci_low <- plogis(ends$CI_L)
    share$change_ci_high <- plogis(ends$CI_U)
    share$design_effect <- beside_independent(lm(above ~ 1), 1, school)
  }
  list(middle = middle, mean = c(cr2(lm(y ~ 1), 1, school),
       list(design_effect = beside_independent(lm(y ~ 1), 1, school))), share = share)
}
levels_of <- list(
  region8_pre = with(region8, level(pre, school, 0)),
  region8_post = with(region8, level(post, school, 1)),
  region8_nobody = with(region8, level(post, school, 99)),
  region8_everybody = with(region8, level(post, school, -99)),
  linked_pre = with(linked, level(pre, school, 3)),
  linked_post = with(linked, level(post, school, 4)))

# The course: midway not every pupil answers, nor afterwards.
waves <- with(linked, data.frame(school, pre, mid = ifelse(no %% 5, (post1 + post2) / 2, NA),
                                 post = ifelse(no %% 7, post, NA)))
over_waves <- function(data) lapply(setNames(nm = c("pre", "mid", "post")), function(wave) {
  there <- data[!is.na(data[[wave]]), ]
  c(cr2(lm(there[[wave]] ~ 1), 1, there$school), list(n = nrow(there)))
})
course <- list(answered = over_waves(waves), linked = over_waves(na.omit(waves)))

# Dose: the slope, and a natural cubic spline between the percentiles 10 and 90. Its knots are the
# ends and the quantiles of the different values; it has 3 df, or as many as values less one.
dose <- function(data, column) {
  data$x <- data[[column]]
  values <- sort(unique(data$x))
  knots <- quantile(values, seq(0, 1, length.out = min(3, length(values) - 1) + 1))
  ends <- range(knots)
  inner <- setdiff(knots, ends)
  line <- lm(change ~ x, data)
  curve <- lm(change ~ ns(x, knots = inner, Boundary.knots = ends), data)
  at <- ns(quantile(data$x, c(.1, .9)), knots = inner, Boundary.knots = ends)
  v <- vcovCR(curve, cluster = data$school, type = "CR2")
  far <- linear_contrast(curve, v, contrasts = matrix(c(0, at[2, ] - at[1, ]), 1),
                         test = "Satterthwaite")
  list(slope = cr2(line, "x", data$school),
       spline = list(change = far$Est, change_se = far$SE, df = far$df, change_ci_low = far$CI_L,
                     change_ci_high = far$CI_U, n_clusters = length(unique(data$school))))
}
doses <- lapply(list(everybody = linked, participants = linked[linked$participant, ]),
                function(data) lapply(setNames(nm = c("gatherings", "interim_work")), dose,
                                      data = data))

# A same-grade change beside a trend: grades 5 and 6 have figures of their own, all others share one.
# Two one-sided tests of the difference, in SD of .8 scale points.
grades <- read.csv("same_grade.csv")
grades$cell <- interaction(grades$school, grades$grade, drop = TRUE)
met <- rowSums(with(grades, table(cell, wave)) > 0) == 2
common <- droplevels(grades[met[grades$cell], ])
n <- with(common, table(cell, wave))
common$w <- rowSums(n)[common$cell] / n[cbind(as.character(common$cell), as.character(common$wave))]
of_grades <- cr2(lm(y ~ 0 + wave + cell, common, weights = w), "wave", common$school)
weight <- prop.table(table(common$grade))
figures <- data.frame(grade = c("5", "6", "all"), earlier = c(.20, -.10, .05), later = c(.10, -.16, -.04),
                      se_earlier = c(.03, .04, .02), se_later = c(.05, .03, .06))
on <- tapply(weight, ifelse(names(weight) %in% c("5", "6"), names(weight), "all"), sum)
on <- on[figures$grade]
sd_unit <- .8
verdict <- function(estimate, se, df, sesoi) {
  p <- max(pt((estimate + sesoi) / se, df, lower.tail = FALSE), pt((estimate - sesoi) / se, df))
  differs <- 2 * pt(-abs(estimate / se), df) < .05
  if (p < .05) "negligible" else if (differs && estimate > 0) "increase" else
    if (differs) "decrease" else "unclear"
}
sesoi <- c(.05, .10, .20, .25, .30, .35, .40, .50)
beside <- within(list(), {
  figures <- figures
  trend <- sum(on * (figures$later - figures$earlier))
  trend_se <- sqrt(sum(on^2 * (figures$se_earlier^2 + figures$se_later^2)))
  estimate_vs_trend <- of_grades$change / sd_unit - trend
  se <- of_grades$change_se / sd_unit
  both <- sqrt(se^2 + trend_se^2)
  df <- both^4 / (se^4 / of_grades$df)  # Welch and Satterthwaite; the trend's df are infinite
  vs_trend_ci_low <- estimate_vs_trend - qt(.975, df) * both
  vs_trend_ci_high <- estimate_vs_trend + qt(.975, df) * both
  verdict <- sapply(sesoi, function(s) verdict(estimate_vs_trend, both, df, s))
})

# Two one-sided tests by t.test: teachers of whom each is a cluster; and by hand with few schools.
teachers <- read.csv("teachers30.csv")
gain <- teachers$post - teachers$pre
t_tests <- lapply(sesoi * 2, function(s) {
  p <- max(t.test(gain, mu = -s * sd_unit, alternative = "greater")$p.value,
           t.test(gain, mu = s * sd_unit, alternative = "less")$p.value)
  zero <- t.test(gain)
  list(sesoi = s, p = p, verdict = if (p < .05) "negligible" else if (zero$p.value > .05) "unclear"
       else if (mean(gain) > 0) "increase" else "decrease")
})
of_region <- cr2(lm(change ~ 1, region8), 1, region8$school)
mdes <- function(found) (qt(.975, found$df) + qt(.8, found$df)) * found$change_se / sd_unit
smallest <- list(teachers = mdes(list(change_se = sd(gain) / sqrt(30), df = 29)),
                 region8 = mdes(of_region), same_grade = mdes(of_grades))
reach <- c(.4, .5, .54, .56, .6)  # the 90 % interval ends between the third and the fourth
few <- sapply(reach, function(s)
  verdict(of_region$change / sd_unit, of_region$change_se / sd_unit, of_region$df, s))

# Design effects: the variance by schools over that of independent people.
cell_means <- lm(y ~ 0 + interaction(cell, wave), common)
share <- rowSums(n) / sum(n)
independent <- c(c(-share, share) %*% vcov(cell_means) %*% c(-share, share))
design <- list(
  region8 = beside_independent(lm(change ~ 1, region8), 1, region8$school),
  linked = beside_independent(lm(change ~ 1, linked), 1, linked$school),
  participants_vs_colleagues =
    beside_independent(lm(change ~ participant, linked), 2, linked$school),
  same_grade = of_grades$change_se^2 / independent)

# Each school once: its mean linked change, or the mean over its grades of five pupils or more in each
# wave.
once <- function(changes) {
  found <- t.test(changes)
  list(change = unname(found$estimate), change_se = found$stderr, df = unname(found$parameter),
       change_ci_low = found$conf.int[1], change_ci_high = found$conf.int[2],
       p_value = found$p.value)
}
large <- rownames(n)[apply(n, 1, min) >= 5]
means <- with(common, tapply(y, list(cell, wave), mean))[large, ]
schools <- list(
  linked = once(with(linked, tapply(change, school, mean))),
  same_grade = once(tapply(means[, 2] - means[, 1], sub("\\..*", "", large), mean)))

# A change in units of the SD before of the same pupils, SD uncertain: the mean of the influence
# values of mean(change)/sd(pre), which everybody has in one cluster.
in_sd <- function(data) with(data, {
  d <- mean(change) / sd(pre)
  psi <- (change - mean(change)) / sd(pre) -
    d / (2 * var(pre)) * ((pre - mean(pre))^2 - mean((pre - mean(pre))^2))
  found <- cr2(lm(psi ~ 1), 1, school)
  list(estimate = d, se = found$change_se, ci_low = d - qt(.975, found$df) * found$change_se,
       ci_high = d + qt(.975, found$df) * found$change_se)
})

write_json(list(
  versions = list(R = as.character(getRversion()),
                  clubSandwich = as.character(packageVersion("clubSandwich"))),
  level = levels_of, course = course, dose = doses, sd_unit = sd_unit, trend = beside,
  trend_sesoi = sesoi, t_tests = t_tests, few_schools = list(sesoi = reach, verdict = few),
  mdes = smallest, design_effect = design, school_change = schools,
  own_sd = list(region8 = in_sd(region8), linked = in_sd(linked))
), "estimates.json", auto_unbox = TRUE, digits = NA, pretty = TRUE)
