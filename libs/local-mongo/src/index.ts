export { DataDamagedError } from './journal/read-frames.ts';
export { FolderInUseError } from './journal/folder-lock.ts';
export { startLocalMongo, type LocalMongo, type LocalMongoLog, type LocalMongoOptions } from './local-mongo.ts';
