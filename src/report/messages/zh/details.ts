// 中文：程序给出的原因译成中文：固定集合见 reasons.ts；文件名、系统错误码等数据原样保留。
import type { CertificateAnomaly } from "../../../core/pki/certificate-anomalies.ts";
import type { SystemCode } from "../system-codes.ts";
import { reasons } from "./reasons.ts";

/** 系统的错误码。 */
const codes: Readonly<Record<SystemCode, string>> = {
  ENOENT: "文件不存在（ENOENT）",
  ENOTDIR: "路径中有不是目录的部分（ENOTDIR）",
  EISDIR: "是目录（EISDIR）",
  ELOOP: "符号链接成环（ELOOP）",
  EACCES: "没有权限（EACCES）",
  EPERM: "不允许（EPERM）",
  EIO: "I/O 错误（EIO）",
  EROFS: "只读文件系统（EROFS）",
  ENOSPC: "磁盘已满（ENOSPC）",
  EDQUOT: "超出磁盘配额（EDQUOT）",
  EMFILE: "打开的文件过多（EMFILE）",
  ENAMETOOLONG: "名称过长（ENAMETOOLONG）",
  EFBIG: "文件过大（EFBIG）",
  EBUSY: "正被占用（EBUSY）",
  EBADF: "未打开（EBADF）",
  ECONNREFUSED: "该处没有进程监听（ECONNREFUSED）",
  ECONNRESET: "连接被中断（ECONNRESET）",
  EHOSTUNREACH: "没有到达它的路由（EHOSTUNREACH）",
  ENETUNREACH: "无法到达其网络（ENETUNREACH）",
  ENOTFOUND: "主机名解析不到地址（ENOTFOUND）",
  EAI_AGAIN: "暂时无法解析主机名（EAI_AGAIN）",
  ETIMEDOUT: "未在期限内应答（ETIMEDOUT）",
};

const anomalies: Readonly<Record<CertificateAnomaly, string>> = {
  "serial-negative": "序列号为负数",
  "serial-zero": "序列号为零",
  "serial-too-long": "序列号超过 20 个字节",
  "duplicate-extension": "有重复的扩展",
  "version-1": "版本为 1",
  "version-2": "版本为 2",
  "extensions-below-version-3": "版本低于 3 却有扩展",
  "nul-in-name": "名称中有 NUL 字符",
  "name-string-invalid": "名称中有不合编码规定的字符串",
  "validity-inverted": "到期时间早于生效时间",
  "time-not-der": "时间不符合 DER 编码",
  "non-der-critical-false": "扩展写出了默认值 critical FALSE（不符合 DER）",
};

export function detailInChinese(text: string): string {
  const known = exact(text);
  if (known !== undefined) return known;
  for (const [template, sentence] of templates()) {
    const match = patternOf(template).exec(text);
    if (match) return fill(sentence, match.slice(1));
  }
  const quoted = withQuoted(text);
  if (quoted !== null) return quoted;
  // 如“ca：原因”。
  const [, name, rest] = /^([^\s:]+): (.+)$/s.exec(text) ?? [];
  return name === undefined || rest === undefined ? text : `${name}：${detailInChinese(rest)}`;
}

/** 如“原因（对方的原话）”；两者都可以含括号。 */
function withQuoted(text: string): string | null {
  if (!text.endsWith(")")) return null;
  for (let at = text.indexOf(" ("); at >= 0; at = text.indexOf(" (", at + 1)) {
    const said = exact(text.slice(0, at));
    const quoted = text.slice(at + 2, -1);
    // 已说明原因时，系统错误码只供查找。
    if (said !== undefined)
      return `${said}（${Object.hasOwn(codes, quoted) ? quoted : detailInChinese(quoted)}）`;
  }
  return null;
}

function exact(text: string): string | undefined {
  if (text.includes("{}")) return undefined;
  return [reasons, codes, anomalies].map((table) => own(table, text)).find((said) => said !== undefined);
}

function own(table: Readonly<Record<string, string>>, text: string): string | undefined {
  return Object.hasOwn(table, text) ? table[text] : undefined;
}

/** 先比字面内容多的，使“其中某行的证书：原因”先于“原因”。用到时才生成：启动时不花时间。 */
function templates(): readonly (readonly [string, string])[] {
  return Object.entries(reasons)
    .filter(([template]) => template.includes("{}"))
    .toSorted(([one], [other]) => literalLength(other) - literalLength(one));
}

/** 填入的内容本身也可以是原因；`{}` 是下一个，`{2}` 是第二个。 */
function fill(sentence: string, parts: readonly string[]): string {
  let next = 0;
  return sentence.replace(/\{(\d?)\}/g, (_, digit: string) => {
    const index = digit === "" ? next++ : Number(digit) - 1;
    return detailInChinese(parts[index] ?? "");
  });
}

function patternOf(template: string): RegExp {
  const source = template.split("{}").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${source.join("(.+)")}$`, "s");
}

function literalLength(template: string): number {
  return template.replaceAll("{}", "").length;
}
