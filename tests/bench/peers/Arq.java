import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.jena.query.QueryExecution;
import org.apache.jena.query.QueryExecutionFactory;
import org.apache.jena.query.ResultSetFormatter;
import org.apache.jena.rdf.model.Model;
import org.apache.jena.rdf.model.ModelFactory;
import org.apache.jena.riot.RDFDataMgr;

/**
 * Loads graphs into the memory of Apache Jena, derives what CONSTRUCT queries say, one after another, and answers SELECT queries as CSV.
 *
 * Arguments: folder of the answers, rounds, then files: .nt is loaded, .construct.rq derives, .select.rq is answered. Prints the
 * seconds of each round, loading included, each in the same machine, which so grows warm.
 */
class Arq {
    public static void main(String[] args) throws Exception {
        Path answers = Path.of(args[0]);
        for (int round = 0; round < Integer.parseInt(args[1]); round++) {
            long start = System.nanoTime();
            Model model = ModelFactory.createDefaultModel();
            for (int i = 2; i < args.length; i++) {
                Path file = Path.of(args[i]);
                if (args[i].endsWith(".nt")) {
                    RDFDataMgr.read(model, file.toUri().toString());
                    continue;
                }
                try (QueryExecution asked = QueryExecutionFactory.create(Files.readString(file), model)) {
                    if (args[i].endsWith(".construct.rq")) {
                        model.add(asked.execConstruct());
                        continue;
                    }
                    try (PrintStream out = new PrintStream(answers.resolve(file.getFileName().toString().replace(".select.rq", ".csv")).toFile())) {
                        ResultSetFormatter.outputAsCSV(out, asked.execSelect());
                    }
                }
            }
            System.out.println((System.nanoTime() - start) / 1e9);
        }
    }
}
