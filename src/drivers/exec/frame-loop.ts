// The shell code that runs on the far side: it says that it is there, reads frames and runs each in a subshell. POSIX sh: dash, bash, busybox.
// INPUTS: its standard input. OUTPUTS: those of the scripts; marks on both streams.

/** What every script may count on besides builtins. */
export const neededTools = [
  "base64",
  "cat",
  "chmod",
  "chown",
  "dd",
  "ln",
  "ls",
  "mkdir",
  "mv",
  "readlink",
  "rm",
  "rmdir",
  "sha256sum",
  "stat",
  "sync",
] as const;

/** Programs lie there that `sudo` and logins without a terminal leave out of PATH. */
const usualFolders = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/bin";

/**
 * Says `WORD-TAG`, then runs one line, if it begins with the word. Without quotes, `!`, backslashes and line ends, so that it
 * means the same between single quotes in sh, csh and fish. The mark is put together there: an echo of the command is none.
 * TMOUT, which hardened nodes export, would end bash's `read` after some minutes.
 */
export function bootCode(word: string, tag: string): string {
  return `unset TMOUT; w=${word}; echo $w-${tag}; read -r l; case $l in $w*) eval "\${l#$w}";; esac`;
}

/** The line for {@link bootCode} that becomes root; sudo asks with `WORD-ask` on standard error. */
export function sudoLine(word: string): string {
  return `${word}exec sudo -S -p '${word}-ask' sh -c '${bootCode(word, "root")}'\n`;
}

/**
 * The line for {@link bootCode} that becomes the loop. It says `WORD-ready PID GROUP DD:TOOLS`: DD is 1 when dd reads exactly
 * so many bytes of a pipe, TOOLS are those that are missing; and a
 * mark on standard error, where noise may be later than on standard output. Names begin with `P` so that no exported variable of the login
 * has them: a value given to one of those would be in the environment of every program.
 */
export function loopLine(word: string, tools: readonly string[] = neededTools): string {
  return `${word}${loop(word, tools).join(" ")}\n`;
}

function loop(word: string, tools: readonly string[]): readonly string[] {
  const name = (letter: string): string => `P${word}${letter}`;
  const [n, s, i, e, c] = [name("n"), name("s"), name("i"), name("e"), name("c")];
  const [r, q, m, t, g, d] = [name("r"), name("q"), name("m"), name("t"), name("g"), name("d")];
  const drop = [n, s, i, e, c, r, q, m, t, g, d].join(" ");
  return [
    `unset IFS TMOUT CDPATH ENV BASH_ENV LANGUAGE GREP_OPTIONS ${drop};`,
    `set +e; umask 077; cd /; LC_ALL=C; export LC_ALL;`,
    `PATH="\${PATH:+$PATH:}${usualFolders}"; export PATH;`,
    `${m}=;`,
    `for ${t} in ${tools.join(" ")}; do command -v "$${t}" >/dev/null 2>&1 || ${m}="$${m} $${t}"; done;`,
    // Base64 means the same to `printf %s` and to any `echo`. Neither as a program: its arguments are for all to see.
    String.raw`case $(command -v printf) in printf) ${q}='printf %s\n';; *) ${q}=echo;`,
    `case $(command -v echo) in echo) ;; *) ${m}="$${m} printf";; esac;; esac;`,
    `${d}=$(echo abcdef | { dd bs=4 count=1 iflag=fullblock 2>/dev/null; cat; } 2>/dev/null);`,
    `case $${d} in abcdef) ${d}=1;; *) ${d}=0;; esac;`,
    `${g}=; [ -r /proc/$$/stat ] && read -r ${g} </proc/$$/stat;`,
    // proc_pid_stat(5): pid, (name), state, parent, process group. The name is that of a shell.
    `set -- $${g}; ${g}=\${5:-0}; set --;`,
    `$${q} "${word}-ready" >&2; $${q} "${word}-ready $$ $${g} $${d}:$${m}";`,
    // A frame that was cut has no line end, or no end.
    `while read -r ${n} ${s} ${i} ${e}; do`,
    `[ "$${e}" = end ] || break;`,
    `case $${s} in @*) ${takeBytes(s)};`,
    `case $${i} in -) ;; *) ${takeBytes(i)};; esac;`,
    `read -r ${e} || break; [ "$${e}" = end ] || break;; esac;`,
    `${c}=$($${q} "$${s}" | base64 -d); case $${c} in *"#${word}") ;; *) break;; esac;`,
    `case $${i} in`,
    `-) ( ${i}=; eval "$${c}" ) </dev/null;;`,
    `*) { $${q} "$${i}" | base64 -d; } 2>/dev/null | ( ${i}=; eval "$${c}" );;`,
    `esac; ${r}=$?; ${s}=; ${i}=; ${c}=;`,
    `{ $${q} ""; $${q} "${word}-$${n}"; } >&2; $${q} ""; $${q} "${word}-$${n} $${r}";`,
    `done`,
  ];
}

/** Shell code: a variable that holds `@COUNT` gets the next so many bytes; one byte less ends the loop. */
function takeBytes(name: string): string {
  return (
    `P_c=\${${name}#@}; ${name}=$(dd bs="$P_c" count=1 iflag=fullblock 2>/dev/null); ` +
    `[ "\${#${name}}" = "$P_c" ] || break`
  );
}

export interface Frame {
  readonly number: number;
  readonly script: string;
  readonly input: Uint8Array;
}

/** `read` takes a byte per system call, 2.4 µs each; starting dd costs some thousand of them. */
const longFrameBytes = 4096;

/** A frame: one line, or a line with lengths, the bytes, and a line when dd may read them. */
export function encodeFrame(word: string, { number, script, input }: Frame, byLength: boolean): string {
  const code = Buffer.from(`${script}\n#${word}`).toString("base64");
  const data = input.length === 0 ? "-" : Buffer.from(input).toString("base64");
  if (!byLength || code.length + data.length < longFrameBytes) return `${number} ${code} ${data} end\n`;
  const [dataLength, bytes] = data === "-" ? ["-", ""] : [`@${data.length}`, data];
  return `${number} @${code.length} ${dataLength} end\n${code}${bytes}end\n`;
}
