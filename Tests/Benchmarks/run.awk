# usage: awk -f run.awk -v svg=FILE run.tsv: a table of the figures with their ratios to ch-run on the same SquashFS, and a plot.
BEGIN { FS = "\t" }
{
    if (!($1 in seen)) { seen[$1] = 1; cases[++n] = $1 }
    tools[$1, ++count[$1]] = $2
    median[$1, $2] = $4; lowest[$1, $2] = $5; failed[$1, $2] = $7; samples[$1, $2] = $3
}
function ratio(value, base) { return base > 0 ? sprintf("%.2f", value / base) : "-" }
END {
    reference = "ch-run, SquashFS"
    printf "%-28s %-20s %9s %9s %8s %8s %7s\n", "case", "tool", "median", "lowest", "ratio", "of low", "failed"
    for (c = 1; c <= n; c++)
        for (t = 1; t <= count[cases[c]]; t++) {
            k = cases[c]; tool = tools[k, t]
            printf "%-28s %-20s %9.2f %9.2f %8s %8s %7d\n", k, tool, median[k, tool], lowest[k, tool], ratio(median[k, tool], median[k, reference]), ratio(lowest[k, tool], lowest[k, reference]), failed[k, tool]
        }
    if (svg != "")
        plot()
}
# one group of bars a case, each as long as its part of the case's slowest but podman, which would leave nothing to see
function plot(   c, t, y, k, tool, longest, width) {
    y = 30
    body = ""
    for (c = 1; c <= n; c++) {
        k = cases[c]
        if (k ~ /^memory/)
            continue
        body = body sprintf("<text x=\"10\" y=\"%d\" font-weight=\"bold\">%s, ms</text>\n", y, k == "read" ? "reading 2,000 small files" : k)
        longest = 0
        for (t = 1; t <= count[k]; t++)
            if (tools[k, t] !~ /^podman/ && median[k, tools[k, t]] > longest)
                longest = median[k, tools[k, t]]
        for (t = 1; t <= count[k]; t++) {
            tool = tools[k, t]
            y += 18
            width = median[k, tool] / longest * 420
            if (width > 440)
                width = 440
            body = body sprintf("<text x=\"20\" y=\"%d\">%s</text><rect x=\"170\" y=\"%d\" width=\"%.1f\" height=\"12\" fill=\"%s\"/><text x=\"%.1f\" y=\"%d\">%.1f</text>\n", y, tool, y - 10, width, tool ~ /^slipway/ ? "#1f6f8b" : "#b0b0b0", 176 + width, y, median[k, tool])
        }
        y += 30
    }
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"680\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n%s</svg>\n", y, body > svg
}
