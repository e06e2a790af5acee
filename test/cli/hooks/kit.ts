import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/mirror.ts';
import { type Ended, type Program, runProgram, startProgram } from '../../support/program.ts';
import { type Received, type Receiver, startReceiver } from '../../support/receiver.ts';
import { completedTask, EPOCH } from '../../support/tasks.ts';
import { serveTasks, type TestApi } from '../api.ts';
import type { MakeDatabase, SharedDatabase } from '../database.ts';

export const SECRET = `whsec_${Buffer.from('the secret of the alerts hook').toString('base64')}`;

/** A mirror in the making of one task, `first`, whose settings have the hook `alerts` at a receiver. */
export interface Setup {
  cwd: string;
  api: TestApi;
  database: SharedDatabase;
  receiver: Receiver;
  env: Record<string, string>;
  /** Adds tasks to the list, in the order of time. */
  put: (...ids: string[]) => void;
  /** Runs the program with the settings, to its end. */
  run: (...args: string[]) => Promise<Ended>;
  start: (...args: string[]) => Program;
}

export type SetUp = (hook?: object, settings?: object) => Promise<Setup>;

/** Returns what sets a test up; `hook` and `settings` change those of the settings file. */
export function settingUp(make: MakeDatabase): SetUp {
  return async (hook = {}, settings = {}) => {
    const api = await serveTasks([completedTask('first', EPOCH)]);
    const receiver = await startReceiver();
    const cwd = temporaryFolder();
    const database = await make(cwd);
    const alerts = {
      name: 'alerts',
      events: ['task.added'],
      url: receiver.url,
      secret: { env: 'ALERTS_SECRET' },
    };
    writeFileSync(
      join(cwd, 'taskmirror.config.json'),
      JSON.stringify({ database: database.setting, hooks: [{ ...alerts, ...hook }], ...settings }),
    );
    const env = { ...api.env, ALERTS_SECRET: SECRET };
    let time = EPOCH;
    return {
      cwd,
      api,
      database,
      receiver,
      env,
      put(...ids) {
        for (const id of ids) api.list.put(completedTask(id, (time += 1_000)));
      },
      run: (...args) => runProgram(args, { cwd, env }),
      start: (...args) => startProgram(args, { cwd, env }),
    };
  };
}

/** What a receiver was told, as `type task`. */
export const toldBy = ({ got }: Receiver): string[] =>
  got.map(({ body }) => `${body.type} ${(body.data['task'] as { id: string } | null)?.id ?? ''}`.trim());

/** The ids of what a receiver was told. */
export const idsIn = ({ got }: Receiver): unknown[] => got.map(({ headers }) => headers['webhook-id']);

/** The numbers of the changes that a receiver was told of. */
export const seqsIn = ({ got }: Receiver): unknown[] => got.map(({ body }) => body.data['seq']);

/** Returns whether a request has the signature of the secret. */
export function isSigned({ headers, text }: Received): boolean {
  const key = Buffer.from(SECRET.replace('whsec_', ''), 'base64');
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`;
  const expected = createHmac('sha256', key).update(signed).digest('base64');
  return headers['webhook-signature'] === `v1,${expected}`;
}
