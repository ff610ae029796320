# Writes schools.json: change weighted to the schools' numbers, linked and of the same grades, and the
# correlation over schools of the share that is left with the change. Estimates by survey
# (post-stratified, or weighted cell by cell), errors by clubSandwich's CR2 and Satterthwaite's df.
# The data are drawn here: 24 schools, of which those that improve keep more people; three grades.
# Run here: Rscript schools.R   (Debian: r-cran-survey r-cran-clubsandwich r-cran-jsonlite)
suppressMessages({library(survey); library(clubSandwich); library(jsonlite)})

set.seed(20261)
n <- 8 + rpois(24, 25 * rexp(24))
z <- rnorm(24)
d <- data.frame(school = rep(0:23, n))
d$grade <- sample(5:7, nrow(d), TRUE)
d$pre <- round(rnorm(nrow(d), 3), 3)
d$post <- round(d$pre + .3 * z[d$school + 1] + rnorm(nrow(d), 0, .7), 3)
d$post[runif(nrow(d)) > plogis(.5 + .8 * z[d$school + 1])] <- NA

cr2 <- function(model, coefficient, cluster) {
  found <- coef_test(model, vcovCR(model, cluster = cluster, type = "CR2"), "Satterthwaite",
                     coefs = coefficient)
  list(estimate = found$beta, se = found$SE, df = found$df_Satt)
}

# Linked: everybody before at schools where somebody was linked; weights are cut at the 99th
# percentile, as postStratify leaves them.
linked <- d[!is.na(d$post), ]
linked$change <- linked$post - linked$pre
before <- as.data.frame(table(school = d$school), responseName = "Freq")
before$school <- as.integer(as.character(before$school))
before <- before[before$school %in% linked$school, ]
design <- postStratify(svydesign(~1, weights = ~1, data = linked), ~school, before)
linked$whole <- weights(design)
linked$w <- pmin(linked$whole, quantile(linked$whole, .99))
cut <- svymean(~change, svydesign(~1, weights = ~w, data = linked))
weighted <- cr2(lm(change ~ 1, linked, weights = w), "(Intercept)", linked$school)

# The same grades: differences of cells with variances in proportion to 1/n_pre + 1/n_post.
cell <- interaction(d$school, d$grade, drop = TRUE)
n_pre <- tapply(d$pre, cell, length)
n_post <- tapply(!is.na(d$post), cell, sum)
change <- tapply(d$post, cell, mean, na.rm = TRUE) - tapply(d$pre, cell, mean)
met <- n_post > 0
cells <- data.frame(change = change, n_pre = n_pre, n_post = n_post,
                    school = tapply(d$school, cell, unique))[met, ]
share <- with(cells, pmin(n_pre / n_post, quantile(n_pre / n_post, .99)) * n_post)
phi <- with(cells, 1 / n_pre + 1 / n_post)
cells$y <- cells$change / sqrt(phi)
cells$x <- 1 / sqrt(phi)
by_cell <- cr2(lm(y ~ 0 + x, cells, weights = share * phi), "x", cells$school)
by_survey <- svymean(~change, svydesign(~1, weights = ~share, data = cells))

# The correlation: both columns with an SD of 1; z = atanh(r) with the slope's error over
# sqrt(1 - r^2).
schools <- data.frame(
  share = tapply(!is.na(d$post), d$school, mean),
  change = tapply(linked$change, factor(linked$school, 0:23), mean)
)
schools$region <- rep(0:7, 3)
schools <- schools[schools$share > 0, ]
along <- function(cluster) {
  found <- cr2(lm(scale(change) ~ scale(share), schools), "scale(share)", cluster)
  r <- cor(schools$share, schools$change)
  list(estimate = atanh(r), se = found$se / sqrt(1 - r^2), df = found$df)
}

write_json(list(
  versions = list(R = as.character(getRversion()), survey = as.character(packageVersion("survey")),
                  clubSandwich = as.character(packageVersion("clubSandwich"))),
  data = d[c("school", "grade", "pre", "post")],
  linked = c(weighted, list(by_survey = unname(coef(cut)))),
  same_grade = c(by_cell, list(by_survey = unname(coef(by_survey)))),
  correlation = list(schools = along(seq_len(nrow(schools))), regions = along(schools$region))
), "schools.json", auto_unbox = TRUE, digits = I(15), pretty = FALSE, na = "null",
dataframe = "columns")
