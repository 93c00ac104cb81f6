"""What the history checker reads, as SQL; tables without a schema are the tenant's own."""

# Ready-made schemas that no tenant has taken are not in this table.
SCHEMAS = """
SELECT schema_name FROM public.tenants_tenant WHERE schema_name <> 'public' ORDER BY 1
"""
TICKETS = """
SELECT id, lane_id, task, ref, state, attempts, reason FROM public.dispatch_ticket
"""
# People hear of the ends of jobs and groups by the feed; what keys for tests do is not told.
EVENTS = """
SELECT id, schema_name, type, relayed_at, last_error, payload->>'id' AS subject,
  payload->>'webhook_url' AS webhook_url,
  type IN ('job.completed', 'job.failed') AND NOT coalesce((payload->>'test')::boolean, false)
    AND EXISTS (SELECT 1 FROM public.tenants_membership m JOIN public.tenants_tenant t
                  ON t.id = m.tenant_id WHERE t.schema_name = outbox_outboxevent.schema_name)
    AS notifies
FROM public.outbox_outboxevent ORDER BY sequence
"""
RESERVATIONS = "SELECT ref, state, units FROM public.billing_reservation"
METERS = """
SELECT m.id, m.tenant_id, m.used, m.reserved,
  coalesce(sum(r.units) FILTER (WHERE r.state = 'committed'), 0)::bigint AS used_by_rows,
  coalesce(sum(r.units) FILTER (WHERE r.state = 'held'), 0)::bigint AS reserved_by_rows
FROM public.billing_meter m LEFT JOIN public.billing_reservation r ON r.meter_id = m.id
GROUP BY m.id
"""
JOBS = """
SELECT id, status, stage, round, units, is_test, batch_id, input_key, input_size, inputs, outputs
FROM conversions_job
"""
BATCHES = "SELECT id, status, round, total, completed, failed, canceled FROM conversions_batch"
PIPELINES = "SELECT id, status, steps FROM conversions_pipeline"
DELIVERIES = """
SELECT d.id, d.event_id, d.url, d.status, e.is_enabled,
  (SELECT count(*) FROM webhooks_attempt a WHERE a.delivery_id = d.id
     AND a.response_status BETWEEN 200 AND 299) AS successes
FROM webhooks_delivery d JOIN webhooks_endpoint e ON e.id = d.endpoint_id
"""
NOTIFICATIONS = "SELECT event_id FROM notifications_notification"
