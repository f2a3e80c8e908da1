import { WINDOW } from "../rates.js";
import { counted } from "../format.js";

const WIDTH = 2;
const HEIGHT = 20;

/** Chunks a second, over the last minute. */
export function Chart({ bars }: { bars: number[] }) {
  const most = Math.max(1, ...bars);
  const total = bars.reduce((sum, bar) => sum + bar, 0);
  const path = bars
    .map((bar, place) => {
      const height = bar ? Math.max(1, (bar / most) * HEIGHT) : 0;
      return height ? `M${place * WIDTH} ${HEIGHT}v${-height}h${WIDTH - 0.5}v${height}z` : "";
    })
    .join("");
  const label = `${counted(total, "chunk")} in ${WINDOW} seconds, at most ${most} in one`;
  return (
    <svg
      class="chart"
      viewBox={`0 0 ${WINDOW * WIDTH} ${HEIGHT}`}
      width="120"
      height="20"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      <path d={path} />
    </svg>
  );
}
