// 中文：运行中的事件、运行列表与详情。
import { formatDateIso } from "../../time.ts";
import type { runs as english } from "../en/runs.ts";

function equal(unchanged: number): string {
  return unchanged === 0 ? "" : `，另有 ${unchanged} 个本已符合计划`;
}

export const runs: typeof english = {
  states: {
    "running-or-crashed": "运行中或已中断",
    succeeded: "成功",
    "rolled-back": "已回滚",
    "rolling-back": "回滚中",
    abandoned: "已放弃",
  },
  date: (at) => formatDateIso(at),
  none: "本节点没有运行记录",
  columns: ["运行", "开始时间", "状态", "操作人", "步骤", "工单"],
  labels: {
    run: "运行",
    state: "状态",
    failed: "失败",
    started: "开始",
    ended: "结束",
    by: "操作人",
    plan: "计划",
    ticket: "工单",
    reason: "原因",
    issued: "签发",
    objects: "对象",
    steps: "步骤",
  },
  atStep: (step) => `在 ${step}`,
  undone: (count) => `，${count} 步已撤销`,
  notBegun: (count, first) => `自 ${first} 起 ${count} 步`,
  notEnded: "未结束",
  notWritten: "未写入",
  progress: {
    done: "已完成",
    proved: "已验证",
    begun: "已开始，未记录结果",
    undone: "已撤销",
    open: "未开始",
  },
  openHint: (resume, rollback) => `${resume} 继续完成，${rollback} 回滚到运行前`,
  events: {
    started: (run) => `[renew] 运行 ${run} 开始`,
    resumed: (run) => `[resume] 继续运行 ${run}`,
    phases: {
      issue: (count) => `[issue] 已在内存中生成 ${count} 个证书`,
      take: (count) => `[issue] 已取用 ${count} 个有效证书，供其副本使用`,
      "back-up": (count, folder) => `[back-up] ${count} 个文件已保存到 ${folder}`,
      stage: (count, unchanged) => `[stage] ${count} 个新文件已写在原文件旁并通过校验${equal(unchanged)}`,
      swap: (count, unchanged) => `[swap] 已替换 ${count} 个文件${equal(unchanged)}`,
    },
    archived: (file, bytes, recipients) =>
      `[archive] 已为 ${recipients} 个接收者加密并回读校验：${file}，${bytes} 字节`,
    cutOff: (phase, done, steps) => `[${phase}] 已完成 ${done}/${steps} 步`,
    renewed: (name, serial, notAfter) =>
      `[renew] ${name} 续期完成：序列号 ${serial}，有效期至 ${formatDateIso(notAfter)}`,
    swept: (paths) => `[sweep] 已清除中断的运行留下的文件：${paths.join("、")}`,
    failed: (step, code) =>
      code === "interrupted"
        ? "[failed] 收到信号，已停止"
        : `[failed] ${step === "" ? "已停止" : `步骤 ${step} 失败`}，原因见下文（${code}）`,
    rollback: (run, isFailure) =>
      isFailure ? `[rollback] 运行 ${run} 失败，正在恢复原状` : `[rollback] 运行 ${run}：正在恢复原状`,
    restored: (count) => `[rollback] 已恢复 ${count} 个文件`,
    lockNotReleased: (code) => `[lock] 未能释放锁（${code}）；下一条命令会发现持有者已退出并接管`,
  },
};
