import { callbackRoutes } from './callback-routes.ts';
import type { Route } from './route.ts';
import { serviceRoutes } from './service-routes.ts';
import { taskRoutes } from './task-routes.ts';
import { tenantRoutes } from './tenant-routes.ts';

/**
 * Every route of the service. From it the OpenAPI document, the page and the written reference are made; a test holds it to
 * the application's routers in both directions, and to what they answer.
 */
export const routes: readonly Route[] = [...taskRoutes, ...callbackRoutes, ...tenantRoutes, ...serviceRoutes];
