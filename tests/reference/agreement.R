# Writes agreement.json: teachers' and leaders' answers at the same schools, drawn here with fixed
# seeds (teachers': four items from 1 to 5, some not answered, and their mean), and what R says of
# them: t.test over schools, cor, ICC from aov, and r_wg(J) from multilevel.
# Run here (a second): Rscript agreement.R
# (Debian: r-base-core r-cran-multilevel r-cran-jsonlite)
suppressMessages(library(jsonlite))

whole <- function(x) pmin(pmax(round(x), 1), 5)

draw <- function(seed, teachers, leaders, tau, change = identity) {
  set.seed(seed)
  level <- rnorm(length(teachers), 3.4, tau)
  school <- rep(seq_along(teachers), teachers)
  person <- rnorm(length(school), level[school], .4)
  items <- sapply(c(-.3, 0, .1, .4), function(apart) whole(rnorm(length(school), person + apart, .7)))
  items[sample(length(items), length(items) %/% 25)] <- NA
  items <- change(items)
  colnames(items) <- paste0("prepared_", 1:4)
  lead <- rep(seq_along(leaders), leaders)
  theirs <- round(4 * rnorm(length(lead), level[lead] + .3, .5)) / 4
  list(teachers = list(school = sprintf("s%02d", school), y = rowMeans(items, na.rm = TRUE),
                       items = as.list(as.data.frame(items))),
       leaders = list(school = sprintf("s%02d", lead), y = pmin(pmax(theirs, 1), 5)))
}

sets <- list(
  eleven = draw(1, c(4, 7, 1, 5, 6, 3, 9, 2, 4, 8, 5), c(1, 2, 1, 1, 0, 1, 2, 1, 1, 0, 3), .4,
                function(items) { items[36, 2] <- NA; items }),      # one of two at s08
  alike = draw(2, c(4, 5, 3, 6, 4), c(1, 1, 2, 1, 1), 0),
  three = draw(3, c(4, 2, 3, 5), c(2, 1, 1, 0), .5),
  disagreeing = draw(4, c(5, 4, 6, 5), c(1, 1, 1, 1), .3,
                     function(items) { items[1:9, ] <- rep(c(1, 5, 1, 4, 1, 5, 5, 1, 1), 4); items })
)

said <- function(set, options = 5) {
  teachers <- as.data.frame(set$teachers[c("school", "y")]); leaders <- as.data.frame(set$leaders)
  ours <- tapply(teachers$y, teachers$school, mean)
  theirs <- tapply(leaders$y, leaders$school, mean)
  both <- intersect(names(ours), names(theirs))
  test <- t.test(ours[both], theirs[both], paired = TRUE)
  squares <- summary(aov(y ~ school, teachers))[[1]][["Mean Sq"]]
  n <- as.vector(table(teachers$school))
  typical <- (sum(n) - sum(n^2) / sum(n)) / (length(n) - 1)
  icc1 <- max(0, (squares[1] - squares[2]) / (squares[1] + (typical - 1) * squares[2]))
  rwg <- multilevel::rwg.j(as.data.frame(set$teachers$items), teachers$school,
                           ranvar = (options^2 - 1) / 12)$rwg.j
  rwg <- rwg[!is.na(rwg)]
  list(n_schools = length(both), n_teachers = sum(teachers$school %in% both),
       n_leaders = sum(leaders$school %in% both), mean_teachers = mean(ours[both]),
       mean_leaders = mean(theirs[both]), difference = unname(test$estimate), se = test$stderr,
       df = unname(test$parameter), ci_low = test$conf.int[1], ci_high = test$conf.int[2],
       r_schools = if (length(both) > 3) cor(ours[both], theirs[both]) else NA,
       icc1 = icc1, icc2 = mean(n) * icc1 / (1 + (mean(n) - 1) * icc1), rwg = mean(rwg),
       rwg_schools = length(rwg), rwg_truncated = sum(rwg == 0))
}
found <- lapply(sets, said)
stopifnot(found$alike$icc1 == 0, found$eleven$icc1 > 0, found$eleven$rwg_schools == 8,
          found$disagreeing$rwg_truncated %in% 1:3,
          sapply(sets, function(set) all(is.finite(set$teachers$y))))

versions <- list(R = as.character(getRversion()),
                 multilevel = as.character(packageVersion("multilevel")))
write_json(list(versions = versions, sets = sets, agreement = found),
           "agreement.json", auto_unbox = TRUE, digits = I(17), na = "null", pretty = TRUE)
