import { explainOldNode, OLDEST_NODE } from '../../../model/version.ts';
import type { Check, Finding } from './doctor.ts';

/** Checks the versions, which a bug report needs. `node` and `taskmirror` as in `22.18.0`. */
export function versionChecks({ node, taskmirror }: { node: string; taskmirror: string }): Check[] {
  return [
    {
      name: 'versions',
      run: async () => [{ check: 'taskmirror', status: 'ok', detail: taskmirror }, checkNode(node)],
    },
  ];
}

function checkNode(version: string): Finding {
  if (explainOldNode(version) === null) return { check: 'Node', status: 'ok', detail: version };
  return {
    check: 'Node',
    status: 'fail',
    detail: `${version} is too old`,
    hint: `Install Node ${OLDEST_NODE} or newer.`,
  };
}
