/** The settings file where none is named, in the working directory. */
export const DEFAULT_FILE = 'taskmirror.config.json';

/** A settings file is not read beyond this. */
export const MAX_FILE_KILOBYTES = 1024;

/** Characters of a path at most. */
export const MAX_PATH = 4096;
