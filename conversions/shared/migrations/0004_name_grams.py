"""Three letters at a time: what an index needs to find a part of a file's name.

pg_trgm would do, but is not in every PostgreSQL; the GIN index over an array of text is.
"""

from django.db import migrations

MAKE = """
CREATE OR REPLACE FUNCTION public.name_grams(name text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT AS $$
  SELECT coalesce(array_agg(DISTINCT substr(upper(name), i, 3)), ARRAY[]::text[])
  FROM generate_series(1, length(name) - 2) i
$$
"""


class Migration(migrations.Migration):
    dependencies = [("conversions_shared", "0003_cleaning")]

    operations = [migrations.RunSQL(MAKE, "DROP FUNCTION public.name_grams(text)")]
