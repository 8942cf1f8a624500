import com.datastax.driver.core.Cluster;
import com.datastax.driver.core.CodecRegistry;
import com.datastax.driver.core.ColumnMetadata;
import com.datastax.driver.core.DataType;
import com.datastax.driver.core.KeyspaceMetadata;
import com.datastax.driver.core.PreparedStatement;
import com.datastax.driver.core.ProtocolVersion;
import com.datastax.driver.core.Row;
import com.datastax.driver.core.Session;
import com.datastax.driver.core.SocketOptions;
import com.datastax.driver.core.TableMetadata;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;

/**
 * Compares all cells of a table with the CSV file that was loaded into it, whoever loaded it. It reads RFC 4180 and converts by itself and
 * shares nothing with the loaders. Of every row of the file it keeps two numbers, a hash of its key and one of its cells.
 *
 * <p>Compare ADDRESS KEYSPACE.TABLE FILE [NULL]: the file has a header; an unquoted field that is empty or NULL is null.
 *
 * <p>Prints KEY=VALUE lines: rows in the file (of records with one key the last counts), rows in the table, and of these: right (all cells
 * as in the file), wrong (key of the file, other cells), strange (no such key in the file); missing (keys of the file not in the table).
 * Then some wrong cells, as comments.
 */
public final class Compare {
    private static final int RANGES = 128;
    private static final int PAGE_ROWS = 5_000;
    private static final int EXAMPLES = 3;

    private final Session session;
    private final TableMetadata table;
    private final Path file;
    private final String nullText;
    private final List<ColumnMetadata> columns = new ArrayList<>();
    /** Where in a row the columns of the primary key are. */
    private final List<Integer> key = new ArrayList<>();

    private Compare(Session session, TableMetadata table, Path file, String nullText) throws IOException {
        this.session = session;
        this.table = table;
        this.file = file;
        this.nullText = nullText;
        try (Records records = new Records(file)) {
            for (Field name : records.next()) {
                ColumnMetadata column = table.getColumn('"' + name.text() + '"');
                if (column == null) {
                    throw new IllegalArgumentException("the table has no column " + name.text());
                }
                columns.add(column);
            }
        }
        for (ColumnMetadata column : table.getPrimaryKey()) {
            key.add(columns.indexOf(column));
        }
    }

    public static void main(String[] arguments) {
        String name = arguments[1];
        int dot = name.indexOf('.');
        try (Cluster cluster = connect(arguments[0]); Session session = cluster.connect()) {
            KeyspaceMetadata keyspace = cluster.getMetadata().getKeyspace(name.substring(0, dot));
            TableMetadata table = keyspace == null ? null : keyspace.getTable(name.substring(dot + 1));
            if (table == null) {
                throw new IllegalArgumentException("there is no table " + name);
            }
            new Compare(session, table, Path.of(arguments[2]), arguments.length > 3 ? arguments[3] : "").run();
        } catch (Exception e) {
            System.err.println("compare: " + e);
            System.exit(1);
        }
        // The driver's timer threads would keep the process for some seconds.
        System.exit(0);
    }

    private static Cluster connect(String address) {
        return Cluster.builder()
                .addContactPoint(address)
                .withProtocolVersion(ProtocolVersion.V4)
                .withoutJMXReporting()
                .withoutMetrics()
                .withSocketOptions(new SocketOptions().setConnectTimeoutMillis(10_000).setReadTimeoutMillis(60_000))
                .build();
    }

    private void run() throws IOException {
        Map<Long, Long> expected = new HashMap<>();
        try (Records records = new Records(file)) {
            records.next();
            for (List<Field> record = records.next(); record != null; record = records.next()) {
                ByteBuffer[] cells = cells(record);
                expected.put(keyHash(cells), hash(cells));
            }
        }
        int inFile = expected.size();
        long rows = 0;
        long right = 0;
        long wrong = 0;
        Map<Long, ByteBuffer[]> examples = new LinkedHashMap<>();
        String stranger = null;
        for (Row row : new Table()) {
            rows++;
            ByteBuffer[] cells = new ByteBuffer[columns.size()];
            for (int i = 0; i < cells.length; i++) {
                cells[i] = row.getBytesUnsafe(i);
            }
            long keyHash = keyHash(cells);
            Long cellsHash = expected.remove(keyHash);
            if (cellsHash == null) {
                stranger = stranger == null ? text(cells) : stranger;
            } else if (cellsHash == hash(cells)) {
                right++;
            } else {
                wrong++;
                if (examples.size() < EXAMPLES) {
                    examples.put(keyHash, cells);
                }
            }
        }
        System.out.printf("in_file=%d%nrows=%d%nright=%d%nwrong=%d%n", inFile, rows, right, wrong);
        System.out.printf("strange=%d%nmissing=%d%n", rows - right - wrong, expected.size());
        if (stranger != null) {
            System.out.println("# strange row: " + stranger);
        }
        if (!examples.isEmpty()) {
            showDifferences(examples);
        }
    }

    /** Prints the cells of these rows that are otherwise in the file. */
    private void showDifferences(Map<Long, ByteBuffer[]> examples) throws IOException {
        try (Records records = new Records(file)) {
            records.next();
            for (List<Field> record = records.next(); record != null; record = records.next()) {
                ByteBuffer[] cells = cells(record);
                ByteBuffer[] found = examples.get(keyHash(cells));
                for (int i = 0; found != null && i < cells.length; i++) {
                    if (!Objects.equals(cells[i], found[i])) {
                        System.out.printf("# wrong cell: %s: in the file %s, in the table %s%n", columns.get(i).getName(), text(cells, i), text(found, i));
                    }
                }
            }
        }
    }

    private String text(ByteBuffer[] cells) {
        StringBuilder out = new StringBuilder();
        for (int i = 0; i < cells.length; i++) {
            out.append(i == 0 ? "" : ", ").append(text(cells, i));
        }
        return out.toString();
    }

    private String text(ByteBuffer[] cells, int column) {
        DataType type = columns.get(column).getType();
        Object value = CodecRegistry.DEFAULT_INSTANCE.codecFor(type).deserialize(cells[column], ProtocolVersion.V4);
        return CodecRegistry.DEFAULT_INSTANCE.codecFor(type).format(value).replace("\n", "\\n");
    }

    private long keyHash(ByteBuffer[] cells) {
        long hash = 1;
        for (int column : key) {
            hash = mix(hash, cells[column]);
        }
        return hash;
    }

    private static long hash(ByteBuffer[] cells) {
        long hash = 2;
        for (ByteBuffer cell : cells) {
            hash = mix(hash, cell);
        }
        return hash;
    }

    /** FNV-1a over length and bytes, stirred as in splitmix64. */
    private static long mix(long before, ByteBuffer cell) {
        long hash = before ^ (cell == null ? -1 : cell.remaining());
        if (cell != null) {
            for (int i = cell.position(); i < cell.limit(); i++) {
                hash = (hash ^ (cell.get(i) & 0xff)) * 0x100000001b3L;
            }
        }
        hash = (hash ^ (hash >>> 30)) * 0xbf58476d1ce4e5b9L;
        hash = (hash ^ (hash >>> 27)) * 0x94d049bb133111ebL;
        return hash ^ (hash >>> 31);
    }

    private ByteBuffer[] cells(List<Field> record) {
        if (record.size() != columns.size()) {
            throw new IllegalArgumentException("a record has " + record.size() + " fields instead of " + columns.size());
        }
        ByteBuffer[] cells = new ByteBuffer[record.size()];
        for (int i = 0; i < cells.length; i++) {
            Field field = record.get(i);
            boolean isNull = !field.quoted && (field.bytes.length == 0 || field.text().equals(nullText));
            cells[i] = isNull ? null : cell(columns.get(i).getType(), field);
        }
        return cells;
    }

    private static ByteBuffer cell(DataType type, Field field) {
        switch (type.getName()) {
            case ASCII:
            case TEXT:
            case VARCHAR:
                return ByteBuffer.wrap(field.bytes);
            case TINYINT:
                return ByteBuffer.wrap(new byte[] {Byte.parseByte(field.text())});
            case SMALLINT:
                return ByteBuffer.allocate(2).putShort(0, Short.parseShort(field.text()));
            case INT:
                return ByteBuffer.allocate(4).putInt(0, Integer.parseInt(field.text()));
            case BIGINT:
                return ByteBuffer.allocate(8).putLong(0, Long.parseLong(field.text()));
            case DOUBLE:
                return ByteBuffer.allocate(8).putDouble(0, Double.parseDouble(field.text()));
            case DATE:
                return ByteBuffer.allocate(4).putInt(0, (int) (LocalDate.parse(field.text()).toEpochDay() - Integer.MIN_VALUE));
            case TIMESTAMP:
                return ByteBuffer.allocate(8).putLong(0, Instant.parse(field.text()).toEpochMilli());
            case UUID:
                UUID uuid = UUID.fromString(field.text());
                return ByteBuffer.allocate(16).putLong(0, uuid.getMostSignificantBits()).putLong(8, uuid.getLeastSignificantBits());
            default:
                throw new IllegalArgumentException("columns of type " + type + " are not compared yet");
        }
    }

    /** The table's rows by token ranges, the columns as in the file. */
    private final class Table implements Iterable<Row> {
        @Override
        public Iterator<Row> iterator() {
            String names = columns.stream().map(column -> '"' + column.getName() + '"').collect(Collectors.joining(", "));
            String token = table.getPartitionKey().stream()
                    .map(column -> '"' + column.getName() + '"')
                    .collect(Collectors.joining(", ", "token(", ")"));
            PreparedStatement select = session.prepare("SELECT " + names + " FROM " + table.getKeyspace().getName() + "." + table.getName()
                    + " WHERE " + token + " >= ? AND " + token + " <= ?");
            // 2^64 tokens in RANGES equal pieces.
            long width = Long.divideUnsigned(-1L, RANGES) + 1;
            return IntStream.range(0, RANGES)
                    .mapToLong(i -> Long.MIN_VALUE + i * width)
                    .mapToObj(first -> session.execute(select.bind(first, first + (width - 1)).setFetchSize(PAGE_ROWS)))
                    .flatMap(rows -> StreamSupport.stream(rows.spliterator(), false))
                    .iterator();
        }
    }

    /** A field of a record. */
    private static final class Field {
        private final byte[] bytes;
        private final boolean quoted;

        Field(byte[] bytes, boolean quoted) {
            this.bytes = bytes;
            this.quoted = quoted;
        }

        String text() {
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    /** RFC 4180 with LF or CRLF; quotes only around whole fields, which is all that the bench's files have. */
    private static final class Records implements AutoCloseable {
        private final InputStream in;
        private final ByteArrayOutputStream field = new ByteArrayOutputStream();

        Records(Path path) throws IOException {
            in = new BufferedInputStream(Files.newInputStream(path), 1 << 16);
        }

        /** The next record; null at the end. */
        List<Field> next() throws IOException {
            int next = in.read();
            if (next < 0) {
                return null;
            }
            List<Field> record = new ArrayList<>();
            while (true) {
                field.reset();
                boolean quoted = next == '"';
                if (quoted) {
                    next = quotedText();
                }
                while (next >= 0 && next != ',' && next != '\n') {
                    field.write(next);
                    next = in.read();
                }
                byte[] bytes = field.toByteArray();
                boolean isLineEnd = next != ',' && bytes.length > 0 && bytes[bytes.length - 1] == '\r';
                record.add(new Field(isLineEnd ? Arrays.copyOf(bytes, bytes.length - 1) : bytes, quoted));
                if (next != ',') {
                    return record;
                }
                next = in.read();
            }
        }

        /** Reads up to the closing quote; what comes behind it. */
        private int quotedText() throws IOException {
            while (true) {
                int next = in.read();
                if (next == '"') {
                    next = in.read();
                    if (next != '"') {
                        return next;
                    }
                } else if (next < 0) {
                    throw new IOException("a quote is not closed");
                }
                field.write(next);
            }
        }

        @Override
        public void close() throws IOException {
            in.close();
        }
    }
}
