# Writes school_link.json: schools' means on two axes, drawn here with a fixed seed in ten regions,
# and the slope and correlation of the one on the other with CR2 and Satterthwaite's df by
# clubSandwich. r is the slope of the columns with an SD of 1; the error of Fisher's z is that of
# the slope over sqrt(1 - r^2).
# Run here (a second): Rscript school_link.R
# (Debian: r-base-core r-cran-clubsandwich r-cran-jsonlite)
suppressMessages({library(clubSandwich); library(jsonlite)})

set.seed(21)
region <- sample(10, 90, replace = TRUE, prob = c(5, 5, 4, 4, 3, 3, 2, 2, 1, 1))
x <- rnorm(90, rnorm(10, 0, .5)[region])
y <- 3 + .4 * x + rnorm(90, rnorm(10, 0, .4)[region])
schools <- data.frame(school_id = sprintf("s%02d", 1:90), region = sprintf("r%02d", region), x, y)

fit <- function(y, x) {
  model <- lm(y ~ x)
  as.list(coef_test(model, vcovCR(model, region, "CR2"), test = "Satterthwaite")["x", ])
}
raw <- fit(y, x)
unit <- fit(as.vector(scale(y)), as.vector(scale(x)))
r <- unit$beta
se <- unit$SE / sqrt(1 - r^2)
t <- function(p, df) qt(p, df)
values <- list(
  slope = raw$beta,
  slope_ci_low = raw$beta - t(.975, raw$df_Satt) * raw$SE,
  slope_ci_high = raw$beta + t(.975, raw$df_Satt) * raw$SE,
  r_schools = r, df = unit$df_Satt,
  ci_low = tanh(atanh(r) - t(.975, unit$df_Satt) * se),
  ci_high = tanh(atanh(r) + t(.975, unit$df_Satt) * se),
  r_visible = tanh((t(.975, unit$df_Satt) + t(.8, unit$df_Satt)) * se)
)
write(toJSON(list(schools = schools, values = values), dataframe = "columns", auto_unbox = TRUE,
             digits = NA), "school_link.json")
