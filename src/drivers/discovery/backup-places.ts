// Where old versions of a file may lie: in the backup folders that a profile lists, and beside the file with another ending.
import { type Discovery, pathIn } from "./context.ts";
import { expandPattern } from "./patterns.ts";

export interface Places {
  /** Paths to look at for an old version of the file, existing or not. */
  of(path: string): readonly string[];
}

/** Lists each backup folder's parent once. */
export async function placesOf(discovery: Discovery): Promise<Places> {
  const { backups } = discovery.profile;
  const expand = async (patterns: readonly string[] = []): Promise<readonly string[]> => {
    const found: string[] = [];
    for (const pattern of patterns) found.push(...(await expandPattern(discovery, pattern)));
    return found;
  };
  const [kubernetes, pki, kubeconfigs] = [
    await expand(backups?.kubernetes),
    await expand(backups?.pki),
    await expand(backups?.kubeconfigs),
  ];
  const kubernetesDir = pathIn(discovery, "{kubernetesDir}");
  const pkiDir = pathIn(discovery, "{pkiDir}");
  return {
    of(path) {
      const inPki = below(pkiDir, path);
      const inKubernetes = below(kubernetesDir, path);
      const isKubeconfig = inKubernetes !== null && !inKubernetes.includes("/");
      return [
        ...(isKubeconfig ? kubeconfigs.map((folder) => `${folder}/${inKubernetes}`) : []),
        ...(inPki === null ? [] : pki.map((folder) => `${folder}/${inPki}`)),
        ...(inKubernetes === null ? [] : kubernetes.map((folder) => `${folder}/${inKubernetes}`)),
        ...(inPki === null ? [] : kubernetes.map((folder) => `${folder}/pki/${inPki}`)),
        ...(backups?.endings ?? []).map((ending) => `${path}${ending}`),
      ];
    },
  };
}

function below(folder: string, path: string): string | null {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : null;
}
