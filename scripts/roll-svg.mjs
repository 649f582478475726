// Draws a roll under load: writes, healthy members, and what was restarted when, over one axis of time. Readable on light and dark.
const width = 960;
const left = 92;
const right = 24;
const plot = width - left - right;
/** Tops and heights of the three panels, px. */
const panels = {
  writes: { top: 104, height: 150 },
  health: { top: 300, height: 84 },
  nodes: { top: 432, lane: 34 },
};

const styles = `
  .card { fill: #ffffff; stroke: #d8dee4; }
  text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #57606a; }
  .title { font-size: 18px; font-weight: 600; fill: #1f2328; }
  .sub { font-size: 13px; }
  .head { font-size: 12px; font-weight: 600; fill: #1f2328; }
  .grid { stroke: #d8dee4; stroke-width: 1; }
  .axis { stroke: #8c959f; stroke-width: 1; }
  .roll { fill: #eaf2fb; }
  .write { stroke: #2f74c0; stroke-width: 1.2; fill: none; }
  .gap { fill: #c2570c; }
  .limit { stroke: #c2570c; stroke-width: 1; stroke-dasharray: 5 4; }
  .limit-text { fill: #c2570c; }
  .well { fill: #2c8a57; fill-opacity: .22; }
  .well-line { stroke: #2c8a57; stroke-width: 1.8; fill: none; }
  .quorum { stroke: #8c959f; stroke-width: 1; stroke-dasharray: 5 4; }
  .gate { stroke: #8c959f; stroke-width: 1.5; }
  .etcd { fill: #c2570c; } .kube-apiserver { fill: #2f74c0; } .kubelet { fill: #7c5cbf; }
  .kube-controller-manager { fill: #3d8b8b; } .kube-scheduler { fill: #b08b2a; }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #30363d; }
    text { fill: #9da7b3; }
    .title, .head { fill: #e6edf3; }
    .grid { stroke: #21262d; }
    .axis, .gate, .quorum { stroke: #6e7681; }
    .roll { fill: #111d2c; }
    .write { stroke: #6cb0f2; }
    .gap, .etcd { fill: #f0883e; }
    .limit { stroke: #f0883e; }
    .limit-text { fill: #f0883e; }
    .well { fill: #3fb972; }
    .well-line { stroke: #4cc981; }
    .kube-apiserver { fill: #6cb0f2; } .kubelet { fill: #a78bfa; }
    .kube-controller-manager { fill: #5fb8b8; } .kube-scheduler { fill: #d9b44a; }
  }`;

/** `measured` as `summary` of scripts/bench-roll.mjs gives it. @returns the text of an SVG file */
export function rollSvg(measured) {
  const { writes, members, healthy, restarts, gates, from, to } = measured;
  const start = writes[0]?.[0] ?? from;
  const end = Math.max(writes.at(-1)?.[1] ?? to, to);
  const x = (at) => left + ((at - start) / (end - start)) * plot;
  const height = panels.nodes.top + members.length * panels.nodes.lane + 74;
  const bottom = panels.nodes.top + members.length * panels.nodes.lane;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>Writes, healthy members and restarts during a rolling renewal</title>`,
    `<style>${styles}\n</style>`,
    `<rect class="card" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10"/>`,
    `<rect class="roll" x="${px(x(from))}" y="${panels.writes.top}" width="${px(x(to) - x(from))}" height="${bottom - panels.writes.top}"/>`,
    ...heading(measured),
    ...writesPanel(writes, x),
    ...healthPanel(healthy, members.length, { x, end }),
    ...nodesPanel({ members, restarts, gates }, x),
    ...timeAxis({ start, end, from, to }, { x, bottom }),
    ...legend(restarts, bottom + 54),
    `</svg>`,
    "",
  ].join("\n");
}

function px(value) {
  return Math.round(value * 10) / 10;
}

function text(content, x, y, { of = "", anchor = "start" } = {}) {
  return `<text x="${px(x)}" y="${px(y)}"${of && ` class="${of}"`}${anchor === "start" ? "" : ` text-anchor="${anchor}"`}>${content}</text>`;
}

function line(name, [x1, y1], [x2, y2]) {
  return `<line class="${name}" x1="${px(x1)}" y1="${px(y1)}" x2="${px(x2)}" y2="${px(y2)}"/>`;
}

function heading({ roll, quiet, wallMs, restartsMs, members }) {
  const count = roll.writes.toLocaleString("en-US");
  return [
    text(`Rolling renewal of ${members.length} masters under a constant write load`, 24, 36, { of: "title" }),
    text(
      `${roll.failed} of ${count} writes failed · longest gap ${Math.round(roll.longestGapMs)} ms (${Math.round(quiet.longestGapMs)} ms with no roll) · ` +
        `at least ${roll.fewestHealthy} of ${members.length} members well · ${(wallMs / 1000).toFixed(1)} s, restarts and reloads ${(restartsMs / 1000).toFixed(1)} s`,
      24,
      60,
      { of: "sub" },
    ),
  ];
}

/** For each column of pixels the longest time between two acknowledged writes that ended in it. */
function writesPanel(writes, x) {
  const { top, height } = panels.writes;
  const done = writes.filter(([, , , revision]) => revision !== null);
  const gaps = done.slice(1).map(([, endedAt], index) => ({ at: endedAt, ms: endedAt - done[index][1] }));
  const most = ceiling(Math.max(160, ...gaps.map(({ ms }) => ms)));
  const y = (ms) => top + height - (Math.min(ms, most) / most) * height;
  const columns = new Map();
  for (const { at, ms } of gaps)
    columns.set(Math.round(x(at)), Math.max(ms, columns.get(Math.round(x(at))) ?? 0));
  const path = [...columns].map(([at, ms]) => `M${at} ${top + height}V${px(y(ms))}`).join("");
  const failed = writes.filter(([, , , revision]) => revision === null);
  const worst = gaps.toSorted((a, b) => b.ms - a.ms)[0];
  return [
    text("time between two acknowledged writes", left, top - 10, { of: "head" }),
    ...steps(most).flatMap((ms) => [
      line("grid", [left, y(ms)], [left + plot, y(ms)]),
      text(`${ms} ms`, left - 8, y(ms) + 4, { anchor: "end" }),
    ]),
    `<path class="write" d="${path}"/>`,
    line("limit", [left, y(150)], [left + plot, y(150)]),
    text("goal: 150 ms", left + plot - 4, y(150) - 5, { of: "limit-text", anchor: "end" }),
    ...(worst
      ? [
          `<circle class="gap" cx="${px(x(worst.at))}" cy="${px(y(worst.ms))}" r="3.5"/>`,
          worstText(worst, x, y),
        ]
      : []),
    ...failed.map(([startedAt]) => `<path class="gap" d="M${px(x(startedAt) - 4)} ${top}h8l-4 8z"/>`),
  ];
}

function worstText({ at, ms }, x, y) {
  const isRight = x(at) > left + plot * 0.8;
  return text(`${Math.round(ms)} ms`, x(at) + (isRight ? -8 : 8), y(ms) + 4, {
    of: "limit-text",
    anchor: isRight ? "end" : "start",
  });
}

function ceiling(ms) {
  const unit = ms <= 200 ? 50 : ms <= 1000 ? 200 : 1000;
  return Math.ceil(ms / unit) * unit;
}

function steps(most) {
  const unit = most <= 200 ? 50 : most <= 1000 ? 200 : Math.ceil(most / 5000) * 1000;
  return Array.from({ length: Math.floor(most / unit) + 1 }, (_, index) => index * unit);
}

function healthPanel(healthy, members, { x, end }) {
  const { top, height } = panels.health;
  const y = (count) => top + height - (count / members) * height;
  const quorum = Math.floor(members / 2) + 1;
  const changes = healthy.filter(([, count], index) => index === 0 || healthy[index - 1][1] !== count);
  if (changes.length === 0) return [];
  const points = changes.map(
    ([at, count], index) =>
      `${index === 0 ? "M" : "H"}${px(x(at))}${index === 0 ? ` ${px(y(count))}` : `V${px(y(count))}`}`,
  );
  const path = `${points.join("")}H${px(x(end))}`;
  return [
    text("etcd members that read with the quorum", left, top - 10, { of: "head" }),
    ...Array.from({ length: members + 1 }, (_, count) => count).flatMap((count) => [
      line("grid", [left, y(count)], [left + plot, y(count)]),
      text(String(count), left - 8, y(count) + 4, { anchor: "end" }),
    ]),
    `<path class="well" d="${path}V${px(y(0))}H${px(x(changes[0][0]))}Z"/>`,
    `<path class="well-line" d="${path}"/>`,
    line("quorum", [left, y(quorum)], [left + plot, y(quorum)]),
    text("quorum", left + plot - 4, y(quorum) + 15, { anchor: "end" }),
  ];
}

function nodesPanel({ members, restarts, gates }, x) {
  const { top, lane } = panels.nodes;
  const lanes = members.flatMap((node, index) => {
    const y = top + index * lane;
    const own = restarts.filter((one) => one.node === node);
    return [
      line("grid", [left, y + lane], [left + plot, y + lane]),
      text(node, left - 8, y + lane / 2 + 4, { of: "head", anchor: "end" }),
      ...own.map(
        ({ consumer, startedAt, endedAt }) =>
          `<rect class="${consumer}" x="${px(x(startedAt))}" y="${y + 9}" width="${px(Math.max(2, x(endedAt) - x(startedAt) - 1))}" height="${lane - 17}" rx="2"><title>${node} ${consumer}: ${((endedAt - startedAt) / 1000).toFixed(1)} s</title></rect>`,
      ),
      ...gates
        .filter((one) => one.node === node)
        .map(({ at }) => line("gate", [x(at), y + 4], [x(at), y + lane - 3])),
    ];
  });
  return [text("restarts and reloads, from the stop to the proof", left, top - 10, { of: "head" }), ...lanes];
}

function timeAxis({ start, end, from, to }, { x, bottom }) {
  const seconds = (end - from) / 1000;
  const unit = [1, 2, 5, 10, 20, 30, 60, 120].find((one) => seconds / one <= 12) ?? 300;
  const first = Math.ceil((start - from) / 1000 / unit) * unit;
  const ticks = Array.from({ length: 40 }, (_, index) => first + index * unit).filter(
    (at) => from + at * 1000 <= end,
  );
  return [
    line("axis", [left, bottom], [left + plot, bottom]),
    ...ticks.flatMap((at) => [
      line("axis", [x(from + at * 1000), bottom], [x(from + at * 1000), bottom + 4]),
      text(`${at} s`, x(from + at * 1000), bottom + 18, { anchor: "middle" }),
    ]),
    text("renew --all", (x(from) + x(to)) / 2, panels.writes.top + 14, { anchor: "middle" }),
  ];
}

function legend(restarts, y) {
  const names = [...new Set(restarts.map(({ consumer }) => consumer))];
  let at = left;
  const entries = names.flatMap((name) => {
    const entry = [
      `<rect class="${name}" x="${at}" y="${y - 10}" width="12" height="12" rx="2"/>`,
      text(name, at + 18, y),
    ];
    at += 40 + name.length * 6.6;
    return entry;
  });
  return [...entries, line("gate", [at + 4, y - 11], [at + 4, y + 2]), text("gate passed", at + 14, y)];
}
