# Writes regions.json: the country's rows with regions as clusters, by clubSandwich (CR2,
# Satterthwaite), from linked_wide.csv and unlinked.csv. Those have six regions; here each is cut in
# two by the number of the school, odd or even, which gives twelve. Grades, roles and comparison
# schools are made from the numbers of pupils, rows and schools, as the tests make them.
# Run here (seconds): Rscript regions.R   (Debian: r-base-core r-cran-clubsandwich r-cran-jsonlite)
suppressMessages({library(clubSandwich); library(jsonlite)})

number <- function(text) as.integer(sub(".*[A-Z]", "", text))
halved <- function(data) paste0(data$region, number(data$school) %% 2)
cr2 <- function(model, coefficient, cluster) {
  found <- coef_test(model, vcovCR(model, cluster = cluster, type = "CR2"), "Satterthwaite",
                     coefs = coefficient)
  list(change = found$beta, change_se = found$SE, df = found$df_Satt, p_value = found$p_Satt,
       n_clusters = length(unique(cluster)))
}

linked <- read.csv("linked_wide.csv")
linked$half <- halved(linked)
linked$takes_part <- as.numeric(number(linked$pupil) %% 3 == 0)
linked$programme <- as.numeric(number(linked$school) %% 4 < 2)
waves <- read.csv("unlinked.csv")
waves$half <- halved(waves)
waves$grade <- 5 + number(waves$rid) %% 3

# Everybody's weight: the cell's share of both waves over its people in the wave.
weighted <- function(data, cell) {
  n <- table(cell, factor(data$wave, 0:1))
  data$cell <- cell
  data <- data[as.character(cell) %in% rownames(n)[n[, 1] > 0 & n[, 2] > 0], ]
  data$cell <- factor(as.character(data$cell))
  n <- n[levels(data$cell), ]
  data$w <- unclass(rowSums(n) / n)[cbind(as.integer(data$cell), data$wave + 1)]
  data
}
grades <- weighted(waves, interaction(waves$school, waves$grade, drop = TRUE))
cohorts <- weighted(waves, factor(waves$grade))

values <- list(
  linked_change = cr2(lm(change ~ 1, linked), 1, linked$half),
  participants = cr2(lm(change ~ 1, linked, subset = takes_part == 1), 1,
                     linked$half[linked$takes_part == 1]),
  colleagues = cr2(lm(change ~ 1, linked, subset = takes_part == 0), 1,
                   linked$half[linked$takes_part == 0]),
  participants_vs_colleagues = cr2(lm(change ~ takes_part, linked), "takes_part", linked$half),
  programme_vs_comparison = cr2(lm(change ~ programme, linked), "programme", linked$half),
  adjusted_for_pre = cr2(lm(change ~ programme + pre, linked), "programme", linked$half),
  baseline = list(apart = abs(unname(coef(lm(pre ~ programme, linked))[2])) / sd(linked$pre)),
  same_grade = cr2(lm(y ~ 0 + wave + cell, grades, weights = w), "wave", grades$half),
  cohort_change = cr2(lm(y ~ 0 + wave + cell, cohorts, weights = w), "wave", cohorts$half)
)
values$version <- list(R = R.version.string,
                       clubSandwich = as.character(packageVersion("clubSandwich")))
write_json(values, "regions.json", digits = NA, auto_unbox = TRUE, pretty = TRUE)
