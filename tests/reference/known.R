# Writes clubsandwich.json, lme4.json, psych.json and effect_sizes.json: what these packages say of
# region8.csv, unlinked.csv, linked_wide.csv and teachers30.csv, which are synthetic.
# Run here (seconds): Rscript known.R   (Debian: r-base-core r-cran-clubsandwich r-cran-lme4
# r-cran-lmertest r-cran-psych r-cran-lavaan r-cran-metafor r-cran-jsonlite)
suppressMessages({
  library(clubSandwich); library(lme4); library(lmerTest); library(jsonlite)
})

region8 <- read.csv("region8.csv")
unlinked <- read.csv("unlinked.csv")
linked <- read.csv("linked_wide.csv")
teachers <- read.csv("teachers30.csv")
version <- function(name) as.character(packageVersion(name))
write <- function(values, file)
  write_json(values, file, auto_unbox = TRUE, digits = NA, pretty = TRUE)

cr2 <- function(file, data, model, terms) {
  fit <- lm(model, data)
  v <- vcovCR(fit, cluster = data$school, type = "CR2")
  test <- coef_test(fit, v, "Satterthwaite")[terms, ]
  ends <- conf_int(fit, v, test = "Satterthwaite")[terms, ]
  list(file = file, model = deparse1(model), estimate = I(test$beta), se = I(test$SE),
       statistic = I(test$tstat), df = I(test$df_Satt), p_value = I(test$p_Satt),
       ci_low = I(ends$CI_L), ci_high = I(ends$CI_U))
}
of_region8 <- cr2("region8.csv", region8, change ~ 1, 1)
of_region8$cr0_se <- sqrt(vcovCR(lm(change ~ 1, region8), region8$school, "CR0")[1, 1])
write(list(
  call = paste('coef_test(lm, vcov = vcovCR(lm, cluster = school, type = "CR2"),',
               'test = "Satterthwaite"), conf_int() likewise'),
  versions = list(R = as.character(getRversion()), clubSandwich = version("clubSandwich")),
  region8_change = of_region8,
  unlinked_wave = cr2("unlinked.csv", unlinked, y ~ wave, 1:2),
  unlinked_schoolFE_wave = cr2("unlinked.csv", unlinked, y ~ wave + school, 2),
  linked_regionFE = cr2("linked_wide.csv", linked, change ~ 0 + region, 1:6)
), "clubsandwich.json")

# The tight optimum: a second optimiser from where the first stopped.
tight <- function(formula, data) {
  control <- lmerControl(optimizer = "bobyqa", calc.derivs = FALSE,
                         optCtrl = list(rhoend = 1e-10, maxfun = 1e6))
  fit <- lme4::lmer(formula, data, control = control)
  fit <- update(fit, start = getME(fit, "theta"), control = lmerControl(
    optimizer = "Nelder_Mead", calc.derivs = FALSE,
    optCtrl = list(maxfun = 1e6, FtolAbs = 1e-12, FtolRel = 1e-15, XtolRel = 1e-10)))
  coef <- summary(as_lmerModLmerTest(fit))$coefficients
  of <- as.data.frame(VarCorr(fit))
  list(formula = deparse1(formula), deviance = REMLcrit(fit), estimate = I(coef[, "Estimate"]),
       se = I(coef[, "Std. Error"]), df = I(coef[, "df"]),
       components = data.frame(group = of$grp, one = of$var1, two = of$var2, value = of$vcov))
}
write(list(
  region8_change_2level = tight(change ~ 1 + (1 | school), region8),
  linked_change_2level = tight(change ~ 1 + (1 | school), linked),
  linked_change_3level = tight(change ~ 1 + (1 | region / school), linked),
  linked_change_regionFE = tight(change ~ 0 + region + (1 | school), linked),
  unlinked_school = tight(y ~ wave + (1 | school), unlinked),
  unlinked_school_schoolwave = tight(y ~ wave + (1 | school) + (1 | school:wave), unlinked),
  unlinked_slope = tight(y ~ wave + (1 + wave | school), unlinked),
  ancova = tight(post ~ pre + (1 | school), linked)
), "lme4.json")

# Omega of one factor by maximum likelihood on the covariances, its interval by the delta method on
# the logit.
items <- function(wave) {
  names <- paste0(wave, 1:4)
  found <- suppressWarnings(psych::alpha(linked[names]))
  fit <- lavaan::cfa(c(
    paste("f =~", paste0("l", 1:4, "*", names, collapse = " + ")),
    paste0(names, " ~~ t", 1:4, "*", names),
    "logit := 2 * log(l1 + l2 + l3 + l4) - log(t1 + t2 + t3 + t4)"), linked, std.lv = TRUE)
  logit <- subset(lavaan::parameterEstimates(fit), lhs == "logit")
  list(alpha_drop = found$alpha.drop$raw_alpha, r_drop = found$item.stats$r.drop,
       omega_tot_lavaan_cov = plogis(logit$est), omega_ci_low = plogis(logit$ci.lower),
       omega_ci_high = plogis(logit$ci.upper))
}
write(list(pre = items("pre"), post = items("post")), "psych.json")

smcr <- with(teachers, metafor::escalc("SMCR", m1i = mean(post), m2i = mean(pre), sd1i = sd(pre),
                                       ni = length(pre), ri = cor(pre, post)))
d_av <- with(teachers, mean(post - pre) / sqrt((var(pre) + var(post)) / 2))
write(list(
  source = sprintf("metafor %s escalc(measure='SMCR'); d_av by its formula in base R; teachers30.csv",
                   version("metafor")),
  SMCR = as.numeric(smcr$yi), d_av = d_av
), "effect_sizes.json")
