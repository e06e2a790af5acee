/** The settings file, in the working directory, if none is named. */
export const DEFAULT_FILE = 'taskmirror.config.json';

/** Most kilobytes of a settings file. */
export const MAX_FILE_KILOBYTES = 1024;

/** Most characters of a path. */
export const MAX_PATH = 4096;
