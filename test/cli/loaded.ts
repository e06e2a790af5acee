/**
 * Loaded into the program before it starts (`node --import`): when it exits, the addresses of all modules that it has
 * loaded from files are in the file LOADED_MODULES, one a line, and after them what Node has loaded of its own, by Node's
 * own names. A module that acts when it is imported, since that is all that `--import` can do.
 */
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const file = process.env['LOADED_MODULES'];
if (file === undefined) throw new Error('LOADED_MODULES is not set.');
const loaded: string[] = [];
registerHooks({
  load(url, context, nextLoad) {
    if (url.startsWith('file:')) loaded.push(url);
    return nextLoad(url, context);
  },
});
process.on('exit', () => {
  const ofNode = Reflect.get(process, 'moduleLoadList') as string[];
  writeFileSync(file, [...loaded, ...ofNode].join('\n'));
});
