/** The settings file where none is named, in the working directory. */
export const DEFAULT_FILE = 'taskmirror.config.json';

/** A settings file is not read beyond this. */
export const MAX_FILE_KILOBYTES = 1024;

/** Characters of a path at most. */
export const MAX_PATH = 4096;

/** What a source can be called. */
export const SOURCE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
export const MAX_SOURCE_NAME = 64;
