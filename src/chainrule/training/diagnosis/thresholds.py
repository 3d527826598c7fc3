"""The thresholds of the training doctor: where each line is drawn, and why. docs/doctor.md says them in words.

Shares are from 0 to 1. The numbers that they were chosen by are in docs/decisions/0014-the-training-doctor.md.
"""

# --- the data ---------------------------------------------------------------------------------------------------------

LARGE_RMS = 30.0  # the root mean square of a column above which it is not of the size that first weights are drawn for
SMALL_RMS = 1 / 300.0  # that of a typical column below which the first weights hardly notice it
LARGE_VALUE = 100.0  # the same as LARGE_RMS for the greatest magnitude of a column, which is a few times its RMS
GROUP = 20  # the rows of a class, or of a range of numbers, below which they show nothing
COPY = 0.9999  # the correlation above which a column is the target in other units: less would be a good predictor
SUSPICIOUS = 0.95  # the accuracy or R² on validation rows from which on a suspected column of a table is named again

# --- the layers -------------------------------------------------------------------------------------------------------

MOSTLY = 0.5  # the share of a layer's activations above which the layer is saturated
MANY = 1 / 3  # the share of a layer's useless neurons that is worth a word: a network without a few learns as well
VANISHED = 1e-3  # the error of the first hidden layer, as a share of that of the output layer
SAME = 0.02  # the spread of the answers, as a share of that of the targets, below which they are all the same

# --- the answers ------------------------------------------------------------------------------------------------------

UNEVEN = 0.8  # the share of the commonest class above which the classes are unbalanced
NEVER = 0.99  # the share of rows of the other classes that are answered wrongly above which they are never answered
SEEN = 5  # rows of the other classes below which they show nothing
BEATEN = 0.1  # how far the cost on validation rows is above that of the mean of the targets, as a share of it
LEARNED = 0.8  # the cost on training rows, as a share of that of the mean, below which something was learned of them

# --- the devices ------------------------------------------------------------------------------------------------------

STARTING = 5.0  # seconds that do not count for the time of an update: a program is compiled in them

# --- the curves -------------------------------------------------------------------------------------------------------

LARGE_BATCH = (
    10.0  # the batch over the noise scale: training then reads 11 times the fewest rows for a tenth fewer updates
)
SMALL_NOISE = 1 / 8  # the noise scale over the probe's rows, above which these rows do not measure it
EPOCHS = 8  # the number of epochs below which a curve says nothing
ROUGH = 0.1  # the mean rise of the cost from one epoch to the next, as a share of its whole fall
STEADY = 0.15  # the share of the whole gain made in the last quarter of the epochs from which on it goes on falling
WORSE = 0.2  # the rise of a cost above its best or its first, as a share of its fall or of itself, that is not noise
NOTICED = 0.1  # the least of such a rise of the validation cost, as a share of the greater of the two
GOING_ON = 0.05  # the fall of the training cost meanwhile, as a share of its whole fall
