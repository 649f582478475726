// The version in the tag of a container image.

export interface ImageVersion {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/**
 * `registry:5000/kube-apiserver:v1.20.2@sha256:...` is 1.20.2, `etcd:3.4.13-0` is 3.4.13; undefined when the image has no tag
 * or its tag does not begin with three numbers.
 */
export function imageVersion(image: string): ImageVersion | undefined {
  const [reference = ""] = image.split("@");
  const last = reference.slice(reference.lastIndexOf("/") + 1);
  const [, major, minor, patch] = /:v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+._][\w.+-]*)?$/.exec(last) ?? [];
  if (major === undefined || minor === undefined || patch === undefined) return undefined;
  return { major: Number(major), minor: Number(minor), patch: Number(patch) };
}
