export { startLocalMongo, type LocalMongo, type LocalMongoOptions } from './local-mongo.ts';
