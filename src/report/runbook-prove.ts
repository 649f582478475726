// Shell commands that read back what is in place.
import { parseAddress } from "../core/model/address.ts";
import type { IssueStep, MakingStep, Template } from "../core/model/making-step.ts";
import type { Plan, ProveStep } from "../core/model/plan.ts";
import { allSteps } from "../core/plan/steps.ts";
import { type StepCommands, at, work } from "./runbook-paths.ts";
import { shellQuote } from "./shell.ts";

export function proveCommands(step: ProveStep, plan: Plan): StepCommands {
  const steps = allSteps(plan);
  const issue = steps.find(
    (one): one is MakingStep => (one.kind === "issue" || one.kind === "install") && one.slot === step.slot,
  );
  const stages = steps.filter((one) => one.kind === "stage");
  if (issue?.kind === "issue") {
    const place = placeOf(issue, plan);
    return { run: readBack(place.object, place.template, { name: work(step.slot), plan }), undo: [":"] };
  }
  if (issue?.kind === "install") {
    // What was installed begins with its leaf, whatever was there before.
    const template = issue.template.form === "pem" ? { ...issue.template, index: 0 } : issue.template;
    const object = template.form === "pem" ? template.certificate : template.file;
    return { run: readBack(object, template, { name: work(step.slot), plan }), undo: [":"] };
  }
  const path = `/${step.name.replace(/#.*$/, "")}`;
  const copy = stages.find((one) => parseAddress(one.object).path === path);
  const [user] = copy?.content.form === "kubeconfig" ? copy.content.users : [];
  if (copy === undefined || user === undefined) return { run: [`perennial check -o wide`], undo: [":"] };
  const template: Template = { form: "kubeconfig", file: copy.object, user: user.user };
  return { run: readBack(copy.object, template, { name: work(user.slot), plan }), undo: [":"] };
}

/** Where the new certificate is read back: where the old one was, or where the missing one belongs. */
function placeOf(
  { template, recreates, slot }: IssueStep,
  plan: Plan,
): { readonly object: string; readonly template: Template } {
  if (!recreates && (template.form === "pem" || template.form === "kubeconfig"))
    return { object: template.form === "pem" ? template.certificate : template.file, template };
  const object = recreates?.object ?? "";
  const stage = allSteps(plan).find((one) => one.kind === "stage" && one.object === object);
  const content = stage?.kind === "stage" ? stage.content : null;
  const user =
    content?.form === "kubeconfig-new"
      ? content.user
      : content?.form === "kubeconfig"
        ? content.users.find((one) => one.slot === slot)?.user
        : undefined;
  if (user !== undefined) return { object, template: { form: "kubeconfig", file: object, user } };
  return { object, template: { form: "pem", certificate: object, index: 0, key: null } };
}

function readBack(
  object: string,
  template: Template,
  { name, plan }: { readonly name: string; readonly plan: Plan },
): readonly string[] {
  const read =
    template.form === "pem"
      ? `certificate_of ${at(object, plan)} ${template.index}`
      : `user_field ${at(object, plan)} ${shellQuote(template.user)} client-certificate-data`;
  return [
    `${read} > proof.crt && openssl x509 -in proof.crt -noout -serial -enddate`,
    `[ "$(openssl x509 -in proof.crt -noout -fingerprint -sha256)" = "$(openssl x509 -in ${name}.crt -noout -fingerprint -sha256)" ] && echo "${name} ok" || stop "another certificate is in place"`,
  ];
}
