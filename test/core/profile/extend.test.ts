import { describe, expect, it } from "vitest";
import { builtinProfile, builtinProfileSource, profilesToTry } from "../../../src/core/profile/builtin.ts";
import { extendProfile, type ProfileSource } from "../../../src/core/profile/extend.ts";
import { resolveParams } from "../../../src/core/profile/profile.ts";
import { validateProfile } from "../../../src/core/profile/schema.ts";

const base: ProfileSource = {
  id: "base",
  title: "Base",
  params: { home: "/opt", pki: "{home}/pki" },
  recognise: ["/a"],
  authorities: [{ name: "ca", certificate: "/ca.crt", key: "/ca.key" }],
  scan: ["/old"],
};
const parentOf = (sources: readonly ProfileSource[]) => (id: string) =>
  sources.find((source) => source["id"] === id);

describe("a profile that extends another", () => {
  it("takes over what it does not say, maps by key, named things by name, other lists whole", () => {
    const child = {
      id: "child",
      extends: "base",
      params: { home: "/srv" },
      authorities: [{ name: "ca", certificate: "/other.crt", key: "/other.key" }, { name: "etcd-ca" }],
      scan: ["/new"],
    };
    expect(extendProfile(child, parentOf([base]))).toEqual({
      id: "child",
      title: "Base",
      extends: "base",
      params: { home: "/srv", pki: "{home}/pki" },
      recognise: ["/a"],
      authorities: [{ name: "ca", certificate: "/other.crt", key: "/other.key" }, { name: "etcd-ca" }],
      scan: ["/new"],
    });
  });

  it("is refused without its parent, and in a circle", () => {
    const orphan = { id: "orphan", extends: "nobody" };
    const circle = { id: "circle", extends: "circle" };
    const invalid = expect.objectContaining({ code: "profile-invalid" });
    expect(() => extendProfile(orphan, parentOf([base]))).toThrow(invalid);
    expect(() => extendProfile(circle, parentOf([circle]))).toThrow(invalid);
  });
});

describe("the profile tkestack", () => {
  it("is kubeadm's with marks and copies of its own, and is tried before it", () => {
    const { profile, digest } = builtinProfile("tkestack");
    const kubeadm = builtinProfile("kubeadm");
    expect(profilesToTry().indexOf("tkestack")).toBeLessThan(profilesToTry().indexOf("kubeadm"));
    expect(profile.certificates).toEqual(kubeadm.profile.certificates);
    expect(profile.recognise).toEqual(kubeadm.profile.recognise);
    expect(digest).not.toBe(kubeadm.digest);
    expect(resolveParams(profile, {})).toMatchObject({ pkiDir: "/etc/kubernetes/pki", tkeNamespace: "tke" });
    expect(profile.apiCopies?.map(({ name, of }) => [name, of])).toEqual([
      ["tke-certs", "apiserver-etcd-client"],
      ["cluster-credential", "apiserver-etcd-client"],
    ]);
  });

  it("is valid when it is whole", () => {
    const source = builtinProfileSource("tkestack") ?? {};
    expect(validateProfile("tkestack", extendProfile(source, builtinProfileSource)).id).toBe("tkestack");
    const stranger = { ...source, apiCopies: [{ ...copyOf(source), of: "nothing" }] };
    expect(() => validateProfile("tkestack", extendProfile(stranger, builtinProfileSource))).toThrow(
      expect.objectContaining({
        code: "profile-invalid",
        params: { profile: "tkestack", reason: "unknown certificate nothing" },
      }),
    );
  });
});

function copyOf(source: ProfileSource): object {
  const [first] = source["apiCopies"] as readonly object[];
  return first ?? {};
}
