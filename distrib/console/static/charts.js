// Draws each chart from the data beside it, as SVG; the table under it has the same figures.
(() => {
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const draw = (place) => {
    const data = JSON.parse(place.dataset.chart);
    const colours = [css("--tblr-primary"), css("--tone-red"), css("--tone-blue")];
    const chart = echarts.getInstanceByDom(place) || echarts.init(place, null, { renderer: "svg" });
    const quiet = { color: css("--quiet") };
    chart.setOption({
      animation: false, color: colours, aria: { enabled: false },
      grid: { left: 8, right: 16, top: 32, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0, textStyle: quiet, itemWidth: 12, itemHeight: 12 },
      xAxis: { type: "category", data: data.names, axisLabel: quiet, axisLine: { lineStyle: { color: css("--hairline") } }, axisTick: { show: false } },
      yAxis: [
        { type: "value", axisLabel: quiet, splitLine: { lineStyle: { color: css("--hairline") } } },
        { type: "value", axisLabel: { ...quiet, formatter: "{value}%" }, splitLine: { show: false }, show: data.series.some((one) => one.unit) },
      ],
      series: data.series.map((one) => ({
        name: one.name, type: one.kind, barMaxWidth: 22, yAxisIndex: one.unit ? 1 : 0, ...(one.unit && { itemStyle: { color: css("--tone-blue") }, lineStyle: { color: css("--tone-blue") } }),
        data: one.values.map((value) => (value === null ? null : Number(value))),
      })),
      tooltip: { show: false },
    }, true);
  };
  const all = () => document.querySelectorAll("[data-chart]").forEach(draw);
  all();
  addEventListener("resize", () => document.querySelectorAll("[data-chart]").forEach((place) => echarts.getInstanceByDom(place)?.resize()));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(all, 50));
})();
