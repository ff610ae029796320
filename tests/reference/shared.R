# Writes shared.json: whether the people of a school share what they answer, drawn here with a fixed
# seed (five items from 1 to 5 in schools of 1 to 12 people, some not answered, and their mean), and
# what R says of it: ICC(1) and its interval from the F test of aov (Donner 1986), ICC(2) for the
# mean size, and r_wg(J) by its formula (James, Demaree & Wolf 1984) over the schools where five or
# more answered every item.
# Run here (a second): Rscript shared.R
# (Debian: r-base-core r-cran-jsonlite)
suppressMessages(library(jsonlite))

set.seed(5)
school <- factor(rep(sprintf("s%02d", 1:40), sample(1:12, 40, replace = TRUE)))
true <- rnorm(length(school), rnorm(40, 3, .4)[school], .7)
items <- sapply(1:5, function(i) pmin(pmax(round(rnorm(length(school), true, .8)), 1), 5))
items[sample(length(items), 40)] <- NA
y <- rowMeans(items, na.rm = TRUE)

fit <- summary(aov(y ~ school))[[1]]
df <- fit$Df; ms <- fit$"Mean Sq"; n <- as.vector(table(school))
typical <- (sum(n) - sum(n^2) / sum(n)) / (length(n) - 1)
share <- function(f) (f - 1) / (f + typical - 1)
icc <- share(ms[1] / ms[2])
ends <- share(ms[1] / ms[2] / qf(c(.975, .025), df[1], df[2]))

complete <- complete.cases(items)
agree <- sapply(split(as.data.frame(items[complete, ]), school[complete]), function(own) {
  if (nrow(own) < 5) return(NA)
  q <- min(mean(sapply(own, var)) / ((5^2 - 1) / 12), 1)
  5 * (1 - q) / (5 * (1 - q) + q)
})
write(toJSON(list(
  people = data.frame(school_id = school, items, y),
  values = list(icc = icc, icc_low = max(ends[1], 0), icc_high = ends[2],
                icc2 = mean(n) * icc / (1 + (mean(n) - 1) * icc),
                rwg = mean(agree, na.rm = TRUE), rwg_schools = sum(!is.na(agree)))
), dataframe = "columns", auto_unbox = TRUE, digits = NA, na = "null"), "shared.json")
