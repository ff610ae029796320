# Writes lavaan.json and groups.csv: one-factor models over waves and groups by lavaan.
# groups.csv is synthetic: five items, four groups (wave x grade) of unequal size, schools.
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
grouped <- function(k, equal, free = NULL) {
  model <- paste("f =~", paste0("i", 1:k, collapse = " + "))
  fit <- cfa(model, rows, group = "group", std.lv = TRUE, meanstructure = TRUE,
             group.equal = equal, group.partial = free)
  c(indices(fit), means = list(means(fit)))
}
loadings <- "loadings"; scalar <- c("loadings", "intercepts"); strict <- c(scalar, "residuals")
groups <- list(
  configural5 = grouped(5, ""), metric5 = grouped(5, loadings), scalar5 = grouped(5, scalar),
  partial5 = grouped(5, scalar, "i3 ~ 1"), strict5 = grouped(5, strict),
  configural3 = grouped(3, ""), metric3 = grouped(3, loadings), scalar3 = grouped(3, scalar))

# longitudinal with three items, from the file of linked people
linked <- read.csv("linked_wide.csv")
long <- function(k, level) {
  pre <- paste0("pre", 1:k); post <- paste0("post", 1:k)
  l <- paste0("l", 1:k); m <- if (level == "configural") paste0("m", 1:k) else l
  t1 <- paste0("t", 1:k); t2 <- if (level %in% c("scalar", "strict")) t1 else paste0("s", 1:k)
  u1 <- paste0("u", 1:k); u2 <- if (level == "strict") u1 else paste0("w", 1:k)
  model <- c(
    paste("f =~", paste0(l, "*", pre, collapse = " + ")),
    paste("f2 =~", paste0(m, "*", post, collapse = " + ")),
    "f ~~ 1*f", if (level == "configural") "f2 ~~ 1*f2" else "f2 ~~ f2", "f ~~ f2",
    "f ~ 0*1", if (level %in% c("scalar", "strict")) "f2 ~ 1" else "f2 ~ 0*1",
    paste(pre, "~~", post), paste0(pre, " ~ ", t1, "*1"), paste0(post, " ~ ", t2, "*1"),
    paste0(pre, " ~~ ", u1, "*", pre), paste0(post, " ~~ ", u2, "*", post))
  fit <- lavaan(model, linked, meanstructure = TRUE)
  c(indices(fit), means = list(means(fit)))
}
levels <- c("configural", "metric", "scalar", "strict")
write_json(list(
  versions = list(R = as.character(getRversion()), lavaan = as.character(packageVersion("lavaan"))),
  groups = groups,
  linked3 = setNames(lapply(levels, function(l) long(3, l)), levels),
  linked4 = setNames(lapply(levels, function(l) long(4, l)), levels)
), "lavaan.json", auto_unbox = TRUE, digits = I(12), pretty = TRUE)
