# Writes lavaan.json, groups.csv, grades.csv and waves.csv: one-factor models over waves and groups.
# The files are synthetic. groups.csv: five items, four groups of unequal size. grades.csv: six
# items with whole answers from 1 to 5, two waves of three grades of unequal size. waves.csv: six
# such items twice of the same people in 25 schools that differ in level and in change.
# Run here: Rscript lavaan.R   (Debian: r-cran-lavaan r-cran-jsonlite)
suppressMessages({library(lavaan); library(jsonlite)})

set.seed(20252)
sizes <- c(230, 310, 270, 420)
load <- c(.8, .7, .9, .6, .75)
rows <- do.call(rbind, lapply(1:4, function(g) {
  f <- rnorm(sizes[g], c(0, -.2, .15, .05)[g], c(1, 1.1, .9, 1.05)[g])
  items <- sapply(1:5, function(i)
    3 + .1 * i + load[i] * f + (i == 3 & g > 2) * .3 + rnorm(sizes[g], 0, .6 + .05 * i))
  data.frame(group = g, school = sample(1:20, sizes[g], TRUE), round(items, 3))
}))
names(rows)[3:7] <- paste0("i", 1:5)
write.csv(rows, "groups.csv", row.names = FALSE, quote = FALSE)

indices <- function(fit) {
  m <- fitMeasures(fit)
  as.list(m[c("chisq", "df", "pvalue", "cfi", "tli", "rmsea", "srmr")])
}
means <- function(fit) {
  p <- parameterEstimates(fit)
  p <- p[p$op == "~1" & p$lhs %in% c("f", "f2"), ]
  list(est = p$est, se = p$se)
}
one_by_one <- function(fit, op, items) {      # score tests of each item's equalities together
  p <- parTable(fit)
  equal <- p[p$op == "==", ]
  sapply(items, function(names) {
    labels <- p$plabel[p$op == op & (if (op == "~1") p$lhs else p$rhs) %in% names]
    labels <- c(labels, p$label[p$plabel %in% labels])
    lavTestScore(fit, release = which(equal$lhs %in% labels & equal$rhs %in% labels))$test$X2
  }, USE.NAMES = FALSE)
}
grouped <- function(k, equal, free = NULL, data = rows) {
  model <- paste("f =~", paste0("i", 1:k, collapse = " + "))
  fit <- cfa(model, data, group = "group", std.lv = TRUE, meanstructure = TRUE,
             group.equal = equal, group.partial = free)
  found <- c(indices(fit), means = list(means(fit)))
  if (is.null(free) && identical(equal, loadings))
    found$scores <- one_by_one(fit, "=~", paste0("i", 1:k))
  if (is.null(free) && identical(equal, scalar))
    found$scores <- one_by_one(fit, "~1", paste0("i", 1:k))
  found
}
loadings <- "loadings"; scalar <- c("loadings", "intercepts"); strict <- c(scalar, "residuals")
groups <- list(
  configural5 = grouped(5, ""), metric5 = grouped(5, loadings), scalar5 = grouped(5, scalar),
  partial5 = grouped(5, scalar, "i3 ~ 1"), strict5 = grouped(5, strict),
  configural3 = grouped(3, ""), metric3 = grouped(3, loadings), scalar3 = grouped(3, scalar))

whole <- function(y) pmin(pmax(round(y), 1), 5)  # y first: the shape is that of the first
set.seed(20253)
sizes <- c(210, 260, 480, 340, 290, 225)
load <- c(.7, .9, .5, .8, .65, .75)
grades <- do.call(rbind, lapply(1:6, function(g) {
  f <- rnorm(sizes[g], .1 * (g - 3), .85 + .05 * g)
  items <- sapply(1:6, function(i)
    3 + .1 * (i - 3) + (load[i] - (i == 4 & g > 4) * .4) * f + (i == 2 & g > 3) * .35 +
      rnorm(sizes[g], 0, .6 + .04 * i))
  data.frame(group = g, whole(items))
}))
names(grades)[-1] <- paste0("i", 1:6)
write.csv(grades, "grades.csv", row.names = FALSE, quote = FALSE)
of_grades <- c(
  sapply(c("3", "5", "6"), function(k) list(
    configural = grouped(as.integer(k), "", data = grades),
    metric = grouped(as.integer(k), loadings, data = grades),
    scalar = grouped(as.integer(k), scalar, data = grades),
    strict = grouped(as.integer(k), strict, data = grades)), simplify = FALSE),
  list(partial_metric6 = grouped(6, loadings, "f =~ i4", grades),
       partial6 = grouped(6, scalar, c("f =~ i4", "i4 ~ 1", "i2 ~ 1"), grades)))

set.seed(20254)
n <- 420
school <- sample(1:25, n, TRUE, (1:25)^.7)
f <- rnorm(25, 0, .4)[school] + rnorm(n, 0, .9)
g <- .6 * f + rnorm(25, .2, .35)[school] + rnorm(n, 0, .8)
own <- sapply(1:6, function(i) rnorm(n, 0, .4))
at <- function(factor, moved) whole(sapply(1:6, function(i)
  3 + .1 * (i - 3) + load[i] * factor + (i == 5) * moved + own[, i] + rnorm(n, 0, .5)))
waves <- data.frame(school, at(f, 0), at(g, .5))
names(waves)[-1] <- c(paste0("pre", 1:6), paste0("post", 1:6))
write.csv(waves, "waves.csv", row.names = FALSE, quote = FALSE)

# longitudinal, the released item's intercept free in both waves
linked <- read.csv("linked_wide.csv")
long <- function(k, level, data = linked, free = 0) {
  pre <- paste0("pre", 1:k); post <- paste0("post", 1:k)
  l <- paste0("l", 1:k); m <- if (level == "configural") paste0("m", 1:k) else l
  t1 <- paste0("t", 1:k); t2 <- if (level %in% c("scalar", "strict")) t1 else paste0("s", 1:k)
  t2[free] <- paste0("s", free)[free > 0]
  u1 <- paste0("u", 1:k); u2 <- if (level == "strict") u1 else paste0("w", 1:k)
  model <- c(
    paste("f =~", paste0(l, "*", pre, collapse = " + ")),
    paste("f2 =~", paste0(m, "*", post, collapse = " + ")),
    "f ~~ 1*f", if (level == "configural") "f2 ~~ 1*f2" else "f2 ~~ f2", "f ~~ f2",
    "f ~ 0*1", if (level %in% c("scalar", "strict")) "f2 ~ 1" else "f2 ~ 0*1",
    paste(pre, "~~", post), paste0(pre, " ~ ", t1, "*1"), paste0(post, " ~ ", t2, "*1"),
    paste0(pre, " ~~ ", u1, "*", pre), paste0(post, " ~~ ", u2, "*", post))
  fit <- lavaan(model, data, meanstructure = TRUE)
  robust <- lavaan(model, data, meanstructure = TRUE, estimator = "MLR", cluster = "school")
  p <- parTable(robust)
  se <- p$se[p$op == "~1" & p$lhs == "f2"]
  items <- lapply(1:k, function(i) c(pre[i], post[i]))
  c(indices(fit), means = list(means(fit)),
    clustered = list(list(scaling = unname(fitMeasures(robust, "chisq.scaling.factor")),
                          se = se)),
    if (free == 0 && level %in% c("metric", "scalar")) list(
      scores = one_by_one(fit, if (level == "metric") "=~" else "~1", items)))
}
levels <- c("configural", "metric", "scalar", "strict")
write_json(list(
  versions = list(R = as.character(getRversion()), lavaan = as.character(packageVersion("lavaan"))),
  groups = groups,
  grades = of_grades,
  waves = sapply(c("3", "5", "6"), function(k)
    setNames(lapply(levels, function(l) long(as.integer(k), l, waves)), levels),
    simplify = FALSE),
  waves_partial6 = long(6, "scalar", waves, 5),
  linked_partial4 = long(4, "scalar", linked, 3),
  linked3 = setNames(lapply(levels, function(l) long(3, l)), levels),
  linked4 = setNames(lapply(levels, function(l) long(4, l)), levels)
), "lavaan.json", auto_unbox = TRUE, digits = I(12), pretty = TRUE)
