/** Realms that the configuration names, and what they must agree on. */
import type { Finding, Note } from './finding.ts';
import type { Appliance, Group } from './model.ts';
import { type InRealm, realmKey } from './realm.ts';
import type { ParsedFile } from './schema.ts';

/** The realm of what names a role or a region; absent where both are the node's own. */
export function resolveRealm(
  { role, region }: { readonly role?: string | undefined; readonly region?: string | undefined },
  { aws }: ParsedFile,
): InRealm {
  const other = region === aws.region ? undefined : region;
  if (role === undefined && other === undefined) return {};
  return {
    at: { ...(role === undefined ? {} : { role }), ...(other === undefined ? {} : { region: other }) },
  };
}

/**
 * What moves between ENIs is where all of them are; a route leads to an ENI of its own VPC, and so of its own
 * region. Who may write to the table is another matter: of a shared VPC its owner.
 */
export function checkRealms(
  { members, resources }: Group,
  path: Finding['path'],
  appliances: readonly Appliance[],
  note: Note,
): void {
  const all = members.flatMap((name) => appliances.filter((one) => one.name === name));
  const [first] = all;
  if (first === undefined || resources.every(({ kind }) => kind === 'transit-routes')) return;
  const shown = (one: InRealm): string => realmKey(one) || "the daemon's own account and region";
  for (const one of all) {
    if (realmKey(one) === realmKey(first)) continue;
    note(
      [...path, 'members'],
      `${first.name} is in ${shown(first)}, and ${one.name} in ${shown(one)}`,
      'name the same role and region at both; only transitRoutes move between them',
    );
  }
  for (const resource of resources) {
    if (resource.kind !== 'routes') continue;
    resource.sets.forEach(({ at }, index) => {
      if (at?.region === first.at?.region) return;
      const wanted = first.at?.region;
      note(
        [...path, 'routes', index],
        'its table is in another region than the members, to whose ENIs no route of it can lead',
        wanted === undefined ? 'remove `region`' : `name region: ${wanted}`,
      );
    });
  }
}
