// Command lines: splitting text into words as a shell does, and reading flags as Go programs do.

/** Bare text, quoted parts and escapes that stand together; `2>&1` is one word. A quote that is never closed ends with the text. */
const wordPattern = String.raw`(?:\\(?:[\s\S]|$)|'[^']*(?:'|$)|"(?:\\(?:[\s\S]|$)|[^"\\]+)*(?:"|$)|[<>]&|[^\s;&|()'"\\])+`;
const partPattern = String.raw`\\([\s\S]|$)|'([^']*)'?|"((?:\\(?:[\s\S]|$)|[^"\\]+)*)"?`;

/**
 * The commands of a shell script as lists of words, nothing expanded: `$VAR` stays as it is. A command ends at `;`, `&`, `|`, a
 * parenthesis or a line break; comments and redirections are left out.
 */
function splitCommands(script: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  const pattern = new RegExp(String.raw`(#[^\n]*)|(${wordPattern})|[\n;&|()]`, "g");
  for (const [whole, comment, word] of script.replaceAll("\\\n", " ").matchAll(pattern)) {
    if (comment !== undefined) continue;
    if (word === undefined) commands.push([]);
    else commands.at(-1)?.push(whole);
  }
  return commands.map((words) => withoutRedirections(words).map(unquote)).filter((words) => words.length > 0);
}

/** The words of one line, whatever ends a command in a shell. */
export function splitWords(line: string): readonly string[] {
  return splitCommands(line).flat();
}

/** `>file`, `1>>file`, `2>&1`, and `> file` as two words. */
function withoutRedirections(words: readonly string[]): readonly string[] {
  return words.filter((word, index) => !/^\d*[<>]/.test(word) && !/^\d*[<>]+$/.test(words[index - 1] ?? ""));
}

function unquote(word: string): string {
  return word.replaceAll(
    new RegExp(partPattern, "g"),
    (_, escaped?: string, single?: string, double?: string) => {
      return escaped ?? single ?? (double ?? "").replaceAll(/\\([$`"\\])/g, "$1");
    },
  );
}

/**
 * The program of a container: its words with a shell wrapper (`sh -c "exec kube-apiserver ..."`) taken off. Of a script it is the
 * command with the most flags, without `exec` and assignments; the words as they are when no command has flags.
 */
export function unwrapShell(argv: readonly string[]): readonly string[] {
  const [program = "", ...rest] = argv;
  if (!/^(?:.*\/)?(?:ba|da|a|k|z)?sh$/.test(program)) return argv;
  const option = rest.findIndex((word) => /^-[a-z]*c$/.test(word));
  const script = rest[option + 1];
  if (option === -1 || script === undefined) return argv;
  const commands = splitCommands(script).map(withoutPrefix);
  const [most] = commands.toSorted((a, b) => countFlags(b) - countFlags(a));
  return most !== undefined && countFlags(most) > 0 ? most : argv;
}

function countFlags(words: readonly string[]): number {
  return words.filter((word) => /^--?[A-Za-z]/.test(word)).length;
}

function withoutPrefix(words: readonly string[]): readonly string[] {
  const first = words.findIndex((word) => !/^(?:exec|then|do|else|nohup|[A-Za-z_]\w*=[\s\S]*)$/.test(word));
  return first === -1 ? [] : words.slice(first);
}

/**
 * Flags by name, each with its values in order: `--flag=value`, `--flag value`, `-flag=value`. A flag that no value follows is
 * "true". Underscores in names become dashes, as Kubernetes reads them; `--` ends the flags.
 */
export function readFlags(argv: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const flags = new Map<string, string[]>();
  for (const [index, word] of argv.entries()) {
    if (word === "--") break;
    const [, name, value] = /^--?([A-Za-z][\w.-]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (name === undefined) continue;
    const next = argv[index + 1];
    const given = value ?? (next === undefined || next.startsWith("-") ? "true" : next);
    const key = name.replaceAll("_", "-");
    const values = flags.get(key);
    if (values) values.push(given);
    else flags.set(key, [given]);
  }
  return flags;
}
