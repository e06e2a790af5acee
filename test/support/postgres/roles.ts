import { onTestFinished } from 'vitest';
import { execute } from './server.ts';

let roles = 0;

/** Makes a role for this test, of which SQL may say more, and returns the URL to connect as it. */
export async function temporaryRole(url: string, more: (role: string) => string): Promise<string> {
  const role = `role_${process.pid}_${(roles += 1)}`;
  await execute(url, `create role ${role} login; ${more(role)}`);
  onTestFinished(async () => {
    await execute(url, `drop owned by ${role} cascade; drop role ${role}`);
  });
  return url.replace(/\/\/[^@]*@/, `//${role}@`);
}

/** A role that may make schemas, and whose settings are those of somebody far away and very careful. */
export function astrayRole(url: string): Promise<string> {
  return temporaryRole(
    url,
    (
      role,
    ) => `do $$ begin execute format('grant create on database %I to ${role}', current_database()); end $$;
      alter role ${role} set default_transaction_isolation = 'serializable';
      alter role ${role} set datestyle = 'German'; alter role ${role} set timezone = 'Asia/Kolkata';
      alter role ${role} set client_encoding = 'LATIN1'; alter role ${role} set search_path = ''`,
  );
}
