/** Counts of what happened, by group and name, which reveal a check that never finds anything to check. */
export class Tally {
  readonly groups: Record<string, Record<string, number>> = {};

  add(group: string, name: string, count = 1): void {
    const names = (this.groups[group] ??= {});
    names[name] = (names[name] ?? 0) + count;
  }

  of(group: string, name: string): number {
    return this.groups[group]?.[name] ?? 0;
  }

  merge(groups: Readonly<Record<string, Readonly<Record<string, number>>>>): void {
    for (const [group, names] of Object.entries(groups)) {
      for (const [name, count] of Object.entries(names)) this.add(group, name, count);
    }
  }
}
