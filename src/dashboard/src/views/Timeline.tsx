import type { StreamInfo } from "../api.js";
import { duration } from "../format.js";
import { placeIn, type Span } from "../timeline.js";

const WIDTH = 1000;

/** When a stream was written, on the scale that all of its run share. */
export function Bar({ info, span }: { info: StreamInfo; span: Span }) {
  const { begin, written, end } = placeIn(span, info);
  const from = duration(info.created - span.from);
  const to = duration(info.updated - span.from);
  const label = `From ${from} to ${to}${info.closed ? "" : ", and open"}`;
  return (
    <svg
      class="bar-chart"
      viewBox={`0 0 ${WIDTH} 10`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      <rect class="rest" x={begin * WIDTH} width={Math.max(6, (end - begin) * WIDTH)} height="10" />
      <rect
        class="written"
        x={Math.min(begin * WIDTH, WIDTH - 6)}
        width={Math.max(6, (written - begin) * WIDTH)}
        height="10"
      />
    </svg>
  );
}
