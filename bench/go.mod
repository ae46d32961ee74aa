module github.com/seed56735111/penstock/bench

go 1.26.0
