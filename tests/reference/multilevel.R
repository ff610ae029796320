# Writes multilevel.json (and the two data files it is about): what lme4 and lmerTest say of nested models.
# hsb.csv: High School and Beyond, nlme::MathAchieve (Raudenbush & Bryk 2002, Table 4.1).
# nested.csv: synthetic; unequal schools, schools of one pupil, schools in one wave, people in one wave.
# Run here: Rscript multilevel.R   (Debian: r-cran-lme4 r-cran-lmertest r-cran-nlme r-cran-jsonlite)
suppressMessages({library(lme4); library(lmerTest); library(jsonlite)})

hsb <- data.frame(school = as.character(nlme::MathAchieve$School), y = nlme::MathAchieve$MathAch)
write.csv(hsb, "hsb.csv", row.names = FALSE, quote = FALSE)

set.seed(20251)
sizes <- c(1, 1, 2, 3, 5, 8, 13, 20, 25, 30, 34, 40, 45, 60, 12, 9, 7, 4)
school <- rep(seq_along(sizes), sizes)
n <- length(school)
u0 <- rnorm(length(sizes), 0, .45); u1 <- rnorm(length(sizes), 0, .3) + .3 * u0
region <- (seq_along(sizes) - 1) %/% 3
w0 <- rnorm(6, 0, .3)
p <- rnorm(n, 0, .6)
girl <- rbinom(n, 1, .5)
pre <- 3 + u0[school] + w0[region[school] + 1] + .2 * girl + p + rnorm(n, 0, .5)
post <- 3.15 + u0[school] + u1[school] + w0[region[school] + 1] + .2 * girl + p + rnorm(n, 0, .5)
nested <- rbind(
  data.frame(school, region = region[school], person = seq_len(n), wave = 0, girl, y = round(pre, 4)),
  data.frame(school, region = region[school], person = seq_len(n), wave = 1, girl, y = round(post, 4)))
gone <- runif(2 * n) < .2 | (nested$school == 6 & nested$wave == 1) | (nested$school == 4 & nested$wave == 0)
nested <- nested[!gone, ]
write.csv(nested, "nested.csv", row.names = FALSE, quote = FALSE)

tight <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10, maxfun = 1e6), calc.derivs = FALSE)
said <- function(formula, data) {
  fit <- lmer(formula, data, REML = TRUE, control = tight)
  # a second optimiser from where the first stopped
  fit <- update(fit, start = getME(fit, "theta"), control = lmerControl(
    optimizer = "Nelder_Mead", optCtrl = list(maxfun = 1e6, FtolAbs = 1e-12, FtolRel = 1e-15, XtolRel = 1e-10),
    calc.derivs = FALSE))
  coef <- summary(as_lmerModLmerTest(fit))$coefficients
  vc <- as.data.frame(VarCorr(fit))
  list(formula = deparse1(formula), deviance = REMLcrit(fit), estimate = coef[, "Estimate"],
       se = coef[, "Std. Error"], df = coef[, "df"], singular = isSingular(fit),
       components = data.frame(group = vc$grp, one = vc$var1, two = vc$var2, value = vc$vcov))
}
d <- nested
write_json(list(
  versions = list(R = as.character(getRversion()), lme4 = as.character(packageVersion("lme4")),
                  lmerTest = as.character(packageVersion("lmerTest"))),
  hsb = said(y ~ 1 + (1 | school), hsb),
  intercept = said(y ~ wave + (1 | school), d),
  slope = said(y ~ wave + (1 + wave | school), d),
  slope_person = said(y ~ wave + (1 + wave | school) + (1 | person), d),
  covariate = said(y ~ wave * girl + (1 + wave | school) + (1 | person), d),
  region = said(y ~ wave + (1 | region) + (1 + wave | school) + (1 | person), d),
  person_only_intercept = said(y ~ wave + (1 | school) + (1 | person), d)
), "multilevel.json", auto_unbox = TRUE, digits = I(15), pretty = TRUE, na = "null")
