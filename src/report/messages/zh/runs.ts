// 中文：执行过程中的事件、执行列表与详情。
import { formatDateIso } from "../../time.ts";
import type { runs as english } from "../en/runs.ts";

export const runs: typeof english = {
  states: {
    "running-or-crashed": "执行中或已中断",
    succeeded: "成功",
    "rolled-back": "已回滚",
    "rolling-back": "回滚中",
    abandoned: "已放弃",
  },
  date: (at) => formatDateIso(at),
  none: "本节点没有执行记录",
  columns: ["执行", "开始时间", "状态", "操作人", "步骤", "工单"],
  labels: {
    run: "执行",
    state: "状态",
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
  notEnded: "未结束",
  notWritten: "未写入",
  progress: {
    done: "已完成",
    proved: "已验证",
    begun: "已开始，未记录结果",
    undone: "已撤销",
    open: "未开始",
  },
  openHint: "perennial resume 继续完成，perennial rollback 回滚到执行前",
  events: {
    started: (run, steps) => `[renew] 执行 ${run} 开始：共 ${steps} 步`,
    resumed: (run) => `[resume] 继续执行 ${run}`,
    phase: (phase, steps) => `[${phase}] ${steps} 步`,
    backedUp: (object) => `[back-up] 已备份 ${object}`,
    staged: (object) => `[stage] 已预置 ${object}`,
    swapped: (object) => `[swap] 已替换 ${object}`,
    unchanged: (phase, object) => `[${phase}] ${object} 无变化`,
    issued: (name, serial, notAfter) =>
      `[issue] 已签发 ${name}：序列号 ${serial}，有效期至 ${formatDateIso(notAfter)}`,
    renewed: (name, serial, notAfter) =>
      `[renew] ${name} 续期完成：序列号 ${serial}，有效期至 ${formatDateIso(notAfter)}`,
    swept: (paths) => `[sweep] 已清除中断的执行留下的文件：${paths.join("、")}`,
    failed: (step, code) => `[failed] 步骤 ${step} 失败：${code}`,
    rollback: (run, isFailure) =>
      isFailure ? `[rollback] 执行 ${run} 失败，正在恢复原状` : `[rollback] 执行 ${run}：正在恢复原状`,
    undone: (object) => `[rollback] 已恢复 ${object}`,
    lockNotReleased: (code) => `[lock] 未能释放锁（${code}）；下一条命令会发现持有者已退出并接管`,
    ended: {
      succeeded: (run) => `[renew] 执行 ${run} 成功；回滚命令：perennial rollback ${run}`,
      "rolled-back": (run) => `[rollback] 执行 ${run} 已回滚：一切恢复原状`,
      abandoned: (run) => `[renew] 执行 ${run} 已放弃，未做任何改动`,
    },
  },
};
