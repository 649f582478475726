// 中文：程序内部给出的原因（英文的固定集合）译成中文；不认识的原样保留。

const words: Readonly<Record<string, string>> = {
  "no PEM block in the data": "其中没有 PEM 块",
  "not a usable path": "路径不可用",
  "there is no such file": "文件不存在",
  "it does not belong to the certificate": "与证书不匹配",
  "no authority is known for it": "不知道由哪个根证书签发",
  "no object holds the new certificate": "没有文件含有新证书",
  "its copies hold different certificates": "各副本中的证书不一致",
  "the key does not match the certificate": "私钥与证书不匹配",
  "this is not the certificate that was issued": "不是本次签发的证书",
  "the authority on the disk did not sign it": "不是由磁盘上的根证书签发",
  "it would outlive its authority": "到期时间晚于根证书",
  "the subject differs from the old one": "主体与旧证书不同",
  "the extended key usages differ from the old ones": "扩展密钥用途与旧证书不同",
  "the object is not there": "文件不存在",
  "there is no private key to replace": "没有可替换的私钥",
  "nothing was issued for this slot": "没有为它签发证书",
  "the format is unknown": "格式未知",
  "the digest is not that of the content": "摘要与内容不符",
  "two steps have this id": "两个步骤的 id 相同",
  "a step uses it but there is no guard": "有步骤用到它，却没有对应的前提",
  "the path is not absolute and plain": "路径不是规范的绝对路径",
  "the checksum does not follow": "校验和不连续",
  "it is not the plan that the journal names": "不是日志所指的计划",
  "there is no key to keep": "没有可保留的私钥",
  "the key to keep does not match the certificate": "要保留的私钥与证书不匹配",
  "the original's key does not match its certificate": "原件的私钥与证书不匹配",
  "the original or its key is not there": "原件或其私钥不存在",
  "the result is not a kubeconfig": "结果不是 kubeconfig",
  "other fields would change": "会改动其他字段",
  "--keep-key and --key-algorithm exclude each other": "--keep-key 与 --key-algorithm 不能同时使用",
  "--csr-dir and --signed exclude each other": "--csr-dir 与 --signed 不能同时使用",
  "--csr-dir and --validity exclude each other": "--csr-dir 与 --validity 不能同时使用",
  "--signed takes what is in DIR: no names, no other choice":
    "--signed 只取 DIR 中的内容：不能再写名称或其他选择",
  "there is no certificate in it": "其中没有证书",
  "the answer is not the one that was planned": "签发结果与计划中的不同",
  "the key does not match the answer": "私钥与签发结果不匹配",
  "the answer has expired meanwhile": "签发结果已过期",
  "the answer is not valid yet": "签发结果尚未生效",
  "the pending key is not there": "待用私钥不存在",
  "a copy does not hold the whole chain": "某个副本没有完整的证书链",
  "not a directory": "不是目录",
  vanished: "已消失",
  "not-utf-8": "不是 UTF-8",
  missing: "缺失",
  unreadable: "无法读取",
  broken: "已损坏",
  ENOENT: "文件不存在（ENOENT）",
  EACCES: "没有权限（EACCES）",
  EPERM: "不允许（EPERM）",
  EIO: "I/O 错误（EIO）",
  EROFS: "只读文件系统（EROFS）",
  ENOSPC: "磁盘已满（ENOSPC）",
  fifo: "命名管道（FIFO）",
  directory: "目录",
  socket: "套接字",
};

const patterns: readonly (readonly [RegExp, (...parts: readonly string[]) => string])[] = [
  [/^not a regular file but (?:an? )?(.+)$/, (type = "") => `不是普通文件，而是${words[type] ?? ` ${type}`}`],
  [/^larger than (\d+) bytes$/, (bytes = "") => `超过 ${bytes} 字节`],
  [/^a link to (.+), outside the root$/, (target = "") => `指向根目录之外的链接 ${target}`],
  [/^a link to (.+), which is not there$/, (target = "") => `指向 ${target} 的链接，而目标不存在`],
  [/^link to (.+)$/, (target = "") => `指向 ${target} 的链接`],
  [/^owned by uid (\d+)$/, (uid = "") => `属于 uid ${uid}`],
  [/^mode ([0-7]+)$/, (mode = "") => `权限为 ${mode}`],
  [/^a name is lost: (.+)$/, (names = "") => `缺少名称 ${names}`],
  [/^nothing is issued for (.+)$/, (slot = "") => `没有为 ${slot} 签发证书`],
  [/^it is swapped without a step (.+)$/, (kind = "") => `要替换它，却没有步骤 ${kind}`],
  [
    /^it was made for the root (.+), not (.+)$/,
    (made = "", root = "") => `它是为根目录 ${made} 制定的，而不是 ${root}`,
  ],
  [
    /^(.+) key: (missing|unreadable|broken)$/,
    (name = "", state = "") => `${name} 的私钥${words[state] ?? state}`,
  ],
  [/^(.+): (missing|unreadable|broken)$/, (name = "", state = "") => `${name} ${words[state] ?? state}`],
  [/^(.+) \(line (\d+)\)$/, (reason = "", line = "") => `第 ${line} 行：${words[reason] ?? reason}`],
];

export function detailInChinese(text: string): string {
  const exact = words[text];
  if (exact !== undefined) return exact;
  for (const [pattern, say] of patterns) {
    const match = pattern.exec(text);
    if (match) return say(...match.slice(1));
  }
  return text;
}
