# Writes agreement.json: teachers' and leaders' scale means of the same schools, drawn here with
# fixed seeds, and what base R says of them: t.test over schools, cor, ICC from aov, and r_wg from
# its definition.
# Run here (a second): Rscript agreement.R   (Debian: r-base-core r-cran-jsonlite)
suppressMessages(library(jsonlite))

draw <- function(seed, teachers, leaders, tau) {
  set.seed(seed)
  level <- rnorm(length(teachers), 3.4, tau)
  people <- function(sizes, apart, sd) {
    school <- rep(seq_along(sizes), sizes)
    y <- round(4 * rnorm(length(school), level[school] + apart, sd)) / 4
    list(school = sprintf("s%02d", school), y = pmin(pmax(y, 1), 5))
  }
  list(teachers = people(teachers, 0, .6), leaders = people(leaders, .3, .5))
}

sets <- list(
  eleven = draw(1, c(4, 7, 1, 5, 6, 3, 9, 2, 4, 8, 5), c(1, 2, 1, 1, 0, 1, 2, 1, 1, 0, 3), .4),
  alike = draw(2, c(4, 5, 3, 6, 4), c(1, 1, 2, 1, 1), 0),
  three = draw(3, c(4, 2, 3, 5), c(2, 1, 1, 0), .5),
  disagreeing = within(draw(4, c(5, 4, 6, 5), c(1, 1, 1, 1), .3),
                       teachers$y[1:9] <- c(1, 5, 1.5, 4.5, 1, 5, 5, 1, 1.25))
)

said <- function(set, options = 5) {
  teachers <- as.data.frame(set$teachers); leaders <- as.data.frame(set$leaders)
  ours <- tapply(teachers$y, teachers$school, mean)
  theirs <- tapply(leaders$y, leaders$school, mean)
  both <- intersect(names(ours), names(theirs))
  test <- t.test(ours[both], theirs[both], paired = TRUE)
  squares <- summary(aov(y ~ school, teachers))[[1]][["Mean Sq"]]
  n <- as.vector(table(teachers$school))
  typical <- (sum(n) - sum(n^2) / sum(n)) / (length(n) - 1)
  icc1 <- max(0, (squares[1] - squares[2]) / (squares[1] + (typical - 1) * squares[2]))
  spread <- tapply(teachers$y, teachers$school, var)
  rwg <- pmax(0, 1 - spread[!is.na(spread)] / ((options^2 - 1) / 12))
  list(n_schools = length(both), n_teachers = sum(teachers$school %in% both),
       n_leaders = sum(leaders$school %in% both), mean_teachers = mean(ours[both]),
       mean_leaders = mean(theirs[both]), difference = unname(test$estimate), se = test$stderr,
       df = unname(test$parameter), ci_low = test$conf.int[1], ci_high = test$conf.int[2],
       r_schools = if (length(both) > 3) cor(ours[both], theirs[both]) else NA,
       icc1 = icc1, icc2 = mean(n) * icc1 / (1 + (mean(n) - 1) * icc1), rwg = mean(rwg),
       rwg_truncated = sum(rwg == 0))
}
found <- lapply(sets, said)
stopifnot(found$alike$icc1 == 0, found$eleven$icc1 > 0, found$disagreeing$rwg_truncated %in% 1:3)

write_json(list(versions = list(R = as.character(getRversion())), sets = sets, agreement = found),
           "agreement.json", auto_unbox = TRUE, digits = I(17), na = "null", pretty = TRUE)
