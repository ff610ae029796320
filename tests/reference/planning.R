# Writes planning.json: MDES and power of PowerUpR's bira2r1 and of paired t-tests.
# PowerUpR is not in Debian. Its formulas stand here as Dong & Maynard 2013 give them (model 2.3);
# the script stops unless they give what PowerUpR itself prints, `published` below: the example
# of its page bira2r1, mdes.bira2r1(rho2=.17, omega2=.50, n=15, J=20), and two values of its
# power.bira2r1 that the tests of the R package on multisite trials (pow_msrt2) quote.
# Run here (a second): Rscript planning.R   (Debian: r-base-core r-cran-jsonlite)
library(jsonlite)

bira2r1 <- function(rho2, omega2, n, J, p = .5, r21 = 0, r2t2 = 0, g2 = 0, es = .2) {
  df <- J - g2 - 1
  sse <- sqrt(rho2 * omega2 * (1 - r2t2) / J + (1 - rho2) * (1 - r21) / (p * (1 - p) * J * n))
  limit <- qt(.975, df)
  list(rho2 = rho2, omega2 = omega2, n = n, J = J, p = p, r21 = r21, r2t2 = r2t2, g2 = g2,
       es = es, df = df, se = sse, mdes = (limit + qt(.80, df)) * sse,
       power = 1 - pt(limit, df, es / sse) + pt(-limit, df, es / sse))
}

published <- list(
  list(rho2 = .17, omega2 = .50, n = 15, J = 20, df = 19, se = .124, mdes = .366, digits = 3),
  list(rho2 = .2, omega2 = 0, n = 10, J = 30, es = .3, power = .8016, digits = 4),
  list(rho2 = .2, omega2 = .5, n = 20, J = 50, es = .2, power = .776, digits = 4)
)
for (case in published) {
  inputs <- intersect(names(case), names(formals(bira2r1)))
  found <- do.call(bira2r1, case[inputs])
  for (value in setdiff(names(case), c(inputs, "digits")))
    stopifnot(round(found[[value]], case$digits) == case[[value]])
}

paired <- function(n, r, effect) {
  test <- power.t.test(n, effect, sqrt(2 * (1 - r)), type = "one.sample", strict = TRUE)
  list(n = n, r = r, effect = effect, power = test$power)
}

write_json(
  list(
    versions = list(R = as.character(getRversion())),
    published = published,
    bira2r1 = list(
      bira2r1(.17, .50, 15, 20), bira2r1(.05, .8, 50, 10),
      bira2r1(.1, .6, 30, 9, r21 = .2, r2t2 = .5, g2 = 2),
      bira2r1(.05, .4, 200, 12, p = .6, r21 = .3), bira2r1(.2, .1, 24, 8, p = .25, es = .4),
      bira2r1(.1, 1.5, 8, 6, p = 1 / 3, r2t2 = .4, g2 = 2, es = .5), bira2r1(.3, .2, 60, 150, es = .05)
    ),
    paired = list(paired(7, .65, 1.05), paired(30, .6, .4), paired(3, .5, 1), paired(200, .7, .1))
  ),
  "planning.json", auto_unbox = TRUE, digits = I(17), pretty = TRUE
)
