import mongoose from 'mongoose';

/** What the driver will not take of a URL (an option that it does not know, say), in its words; null when it takes it. */
export function mongoUrlProblem(url: string): string | null {
  try {
    // It dials nothing before it is told to connect.
    new mongoose.mongo.MongoClient(url);
    return null;
  } catch (error: unknown) {
    return error instanceof Error ? error.message : String(error);
  }
}
