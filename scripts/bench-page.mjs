// docs/benchmarks.md from what was measured; each part says when and on which machine.

/**
 * A line of a table: medians in milliseconds. Ratios are taken round by round: the machine's speed drifts, its ratios less so. A goal of a `least` asks how
 * many times faster ours is; every other ratio is ours divided by theirs.
 */
export function row(what, against, [ours, theirs], goal) {
  const [over, under] = goal?.least === undefined ? [ours, theirs] : [theirs, ours];
  const ratio = median(over.map((ms, index) => ms / under[index]));
  return { what, against, ours: median(ours), theirs: median(theirs), ratio, goal };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The page; `results` has, for each part that was ever measured, `{ on, data }` (scripts/bench.mjs). */
export function page(results) {
  const parts = [head, filesPart, parsePart, rigPart, labPart, hostsPart, rollPart];
  return `${parts.flatMap((part) => part(results)).join("\n")}\n`;
}

function head() {
  return [
    "# Benchmarks",
    "",
    "Written by `npm run bench`; `npm run bench -- PART...` measures some parts again and leaves the others: `files`, `parse`, `rig`, `lab`, `hosts`, `roll`.",
    "Whole processes, run in turn, round after round; the ratio is the median of the rounds' ratios. Absolute times are medians and",
    "belong to the machine; read the ratios. The ratio of parsing says how many times faster ours is, every other one is ours divided by theirs.",
    "",
  ];
}

function section(title, { on }, ...lines) {
  return [`## ${title}`, "", ...lines.flat(), "", `Measured on ${on}.`, ""];
}

function filesPart({ files }) {
  if (!files) return [];
  const { rows, rounds, kubeadm } = files.data;
  const rest = kubeadm ? `kubeadm ${kubeadm}` : "no kubeadm there, so nothing is said of it";
  return section("One node's files", files, `${rounds} rounds; ${rest}.`, "", table("ms", 1, rows));
}

function parsePart({ parse }) {
  return parse ? section("Parsing", parse, table("ms", 1, parse.data)) : [];
}

function rigPart({ rig }) {
  if (!rig) return [];
  const { ours, theirs } = rig.data;
  const against = "`kubeadm certs renew all`, manifests out, 20 s, manifests in, kubelet restarted, /readyz";
  const what = "`renew --yes`, every leaf expired, until everything served is proved";
  return section(
    "A real cluster",
    rig,
    `kubeadm 1.20.2, etcd and containerd of one machine (\`scripts/bench-rig.mjs\`), ${ours.length} rounds: ours ${seconds(ours)} s, theirs ${seconds(theirs)} s.`,
    "",
    table("s", 1, [row(what, against, [ours, theirs], { mostMs: 15_000 })]),
  );
}

/** Nobody else's way leads through the lab: the other time is that of the same renewal on the files alone. */
function labPart({ lab }) {
  if (!lab) return [];
  const { live, files } = lab.data;
  const what = "one host, all expired, `renew --yes` until everything served is proved";
  return section(
    "The lab",
    lab,
    "`perennial lab`, real etcd, stand-ins beside it, at Kubernetes' own pace (`scripts/bench-lab.mjs`).",
    "",
    table("s", 2, [row(what, "the same, files alone (`--no-probe`)", [live, files], null)]),
  );
}

function hostsPart({ hosts }) {
  if (!hosts) return [];
  return section(
    "Many hosts",
    hosts,
    "`check -f` over SSH, one sshd that shows every login a control plane of its own; at most 32 hosts at a time (`scripts/bench-hosts.mjs`).",
    "Ours is one process, its memory the most that the kernel has seen; sshd, the far shells and ssh itself share the machine with it.",
    "",
    "| hosts | wall time, s | a host, ms | largest memory, MiB |",
    "| --- | --- | --- | --- |",
    hosts.data.map(
      ({ count, ms, peakMib }) =>
        `| ${count} | ${(ms / 1000).toFixed(1)} | ${(ms / count).toFixed(0)} | ${peakMib.toFixed(0)} |`,
    ),
  );
}

function rollPart({ roll }) {
  if (!roll) return [];
  const { gaps, times, isOfOld } = roll.data;
  return section(
    "A roll under load",
    roll,
    "Three lab nodes. One write after the other, each begun at the next of three members, tried at the others when one refuses or does not answer within",
    "700 ms (`scripts/write-load.mjs`); every member is asked for its health ten times a second. Restarts, reloads and gates are those of the run's",
    "journal; an API server that reads its new files by itself is waited for up to a minute.",
    "",
    table("ms", 0, gaps),
    "",
    table("s", 1, times),
    "",
    isOfOld ? ["Drawn is the harder of the two: an etcd whose members have to be stopped.", ""] : [],
    "![Writes, healthy members and restarts during a rolling renewal of three masters](roll-under-load.svg)",
  );
}

function table(unit, digits, rows) {
  const number = (ms) => (unit === "s" ? ms / 1000 : ms).toFixed(digits);
  return [
    `| what | against | ours, ${unit} | theirs, ${unit} | ratio | goal | |`,
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...rows.map(
      (one) =>
        `| ${one.what} | ${one.against} | ${number(one.ours)} | ${number(one.theirs)} | **${one.ratio.toFixed(2)}x** | ${verdict(one)} | ${one.note ?? ""} |`,
    ),
  ];
}

function verdict({ ratio, goal, ours, isMet = true }) {
  if (!goal) return "";
  const told = (words, holds) => `${words}: ${holds && isMet ? "met" : "**missed**"}`;
  if (goal.mostMs !== undefined) {
    const most = goal.mostMs < 1000 ? `${goal.mostMs} ms` : `${goal.mostMs / 1000} s`;
    return told(`<= ${most}`, ours <= goal.mostMs);
  }
  return goal.most === undefined
    ? told(`>= ${goal.least}x`, ratio >= goal.least)
    : told(`<= ${goal.most}x`, ratio <= goal.most);
}

function seconds(times) {
  return times.map((ms) => (ms / 1000).toFixed(1)).join(", ");
}
